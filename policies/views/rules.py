"""Rules that stand in lists: invariants, limits, freezes and breakers, each with one form."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import NotVisible, has_permission
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import Group
from accounts.permissions import Permission
from policies import edits
from policies.forms.demotions import DemotionForm
from policies.forms.rules import STARTS, BreakerForm, InvariantForm, Known, LimitForm, RuleForm
from policies.forms.seen import SeenForm
from policies.forms.times import FreezeForm
from policies.pages.measures import measured_lines, problems_of, trips_of
from policies.pages.place import Place, place_of
from policies.pages.rules import gone, rule_lines, told
from policies.views.rendering import draw
from policies.views.saving import Sent, policy_to_edit, refusal, send

FORMS: dict[str, type[RuleForm]] = {
    "invariants": InvariantForm, "limits": LimitForm, "freezes": FreezeForm, "breakers": BreakerForm, "demotions": DemotionForm,
}  # fmt: skip
NOUNS = {
    "invariants": "invariant", "limits": "limit", "freezes": "freeze", "breakers": "breaker", "demotions": "demotion",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unsent:
    """A text that was refused: of which line of the page it is, and why."""

    of: str
    text: str
    problem: str


@sign_in_required
@require_GET
def rules(request: AuthenticatedRequest, slug: str, section: str) -> HttpResponse:
    """One section as sentences, with how each rule met reality."""
    return draw_rules(request, slug, section)


def draw_rules(request: AuthenticatedRequest, slug: str, section: str, *, unsent: Unsent | None = None) -> HttpResponse:
    """The tab of a section; `unsent` is what somebody wrote on it that was refused."""
    place = place_of(request.user, request.workspace, slug)
    context = {
        "section": section, "noun": NOUNS[section], "lines": measured_lines(place, section), "gone": gone(place, section),
        "trips": trips_of(place) if section == "breakers" else [],
        "demotions": rule_lines(place, "demotions") if section == "breakers" else [],
        "demotions_gone": gone(place, "demotions") if section == "breakers" else [],
        "may_reset": has_permission(request.user, Permission.AGENT_PAUSE, request.workspace), "unsent": unsent,
    }  # fmt: skip
    return draw(request, place, section, context, template="rules", status=422 if unsent else 200)


@sign_in_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedRequest, slug: str, section: str, id: str = "") -> HttpResponse:
    """Add a rule, or change the one with this id."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    standing = edits.value_at(place.plain, (section, id)) if id else None
    if id and standing is None and request.method == "GET":
        raise NotVisible("rule")
    form, sent = _form(request, place, section, standing), Sent(False, 200)
    if request.method == "POST":
        sent = send(
            request, policy, form, seen=(lambda plain: edits.value_at(plain, (section, id))) if id else None,
            change=lambda plain, data: edits.put_rule(plain, section=section, rule=form.rule(), replaces=id or None),
        )  # fmt: skip
    if sent.saved:
        return redirect(_tab(section, slug))
    theirs = told(section, sent.conflict.theirs) if sent.conflict and sent.conflict.theirs else None
    context = {
        "section": section, "noun": NOUNS[section], "form": form, "id": id, "conflict": sent.conflict, "theirs": theirs,
        "problems": problems_of(place, section, id) if id else (),
        "lines": measured_lines(place, section, id) if id and section != "demotions" else (), "up": _tab(section, slug),
        "starts": [(name, words) for name, (words, _) in STARTS.items()] if section == "invariants" and not id else [],
    }  # fmt: skip
    return draw(request, place, section, context, template="rule_form", status=sent.status)


def _form(request: AuthenticatedRequest, place: Place, section: str, standing: object) -> RuleForm:
    initial = {"revision": place.revision, "was": edits.fingerprint(standing)}
    if section == "invariants" and standing is None:
        initial |= STARTS.get(request.GET.get("start", ""), ("", {}))[1]
    data = request.POST if request.method == "POST" else None
    return FORMS[section](data, known=known_of(place), rule=standing, initial=initial)  # type: ignore[arg-type]


def known_of(place: Place) -> Known:
    """What the pickers of a rule offer."""
    groups = Group.objects.filter(workspace_id=place.policy.workspace_id).order_by("name").values_list("slug", "name")
    return Known(
        roles=tuple(place.roles), tools=tuple(place.every_tool), resource_types=tuple(place.resource_types),
        routes=tuple(place.plain.get("routes") or ()), groups=tuple(groups),
    )  # fmt: skip


@sign_in_required
@require_POST
def remove(request: AuthenticatedRequest, slug: str, section: str, id: str) -> HttpResponse:
    """Take one rule out of the draft; one that changed since the page was drawn stays."""
    policy, form = policy_to_edit(request, slug), SeenForm(request.POST)
    sent = send(
        request, policy, form, seen=lambda plain: edits.value_at(plain, (section, id)),
        change=lambda plain, data: edits.remove_rule(plain, section=section, id=id),
    )  # fmt: skip
    if not sent.saved:
        messages.error(request, refusal(sent, form))
    return redirect(_tab(section, slug))


def _tab(section: str, slug: str) -> str:
    """The tab a section stands on: demotions stand with the breakers, the other thing that stops an agent by itself."""
    return reverse(f"policies:{'breakers' if section == 'demotions' else section}", args=[slug])
