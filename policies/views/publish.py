"""Review and publish: asking, the second person, waivers, and bringing a draft up to date."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from policies import edits
from policies.access import get_policy_for, open_draft_of
from policies.documents import still_read
from policies.drafts import merge_of, needs_rebase, rebase_draft
from policies.engine.problems import PolicyError
from policies.engine.shipgate import CAPABILITIES
from policies.forms.publish import AgreeForm, DeclineForm, ProposeForm, WaiverForm
from policies.forms.seen import SeenForm
from policies.models import Policy, PolicyDraft
from policies.pages.frame import frame_of
from policies.pages.impact import impact_of
from policies.pages.merging import merge_rows
from policies.pages.place import Place, place_of
from policies.pages.publishing import publishing_of
from policies.publishing import ONE_PERSON, Outcome, agree, decline, propose
from policies.refusals import DraftChanged, PolicyRefused
from policies.views.rendering import draw_tiers
from policies.views.saving import UNREAD, no_draft, policy_to_edit, refusal, send
from policies.waivers import name_for

CONTROLS = [(control.key, f"{row.name}: {control.name}") for row in CAPABILITIES for control in row.controls]


@sign_in_required
@require_http_methods(["GET", "POST"])
def publish(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """What would go live, and the form that asks for it; the second person reads the same page."""
    place = place_of(request.user, request.workspace, slug)
    if place.draft is None or place.diff is None:
        if request.method == "POST" and place.draft is None:
            require(request.user, Permission.POLICY_PUBLISH, request.workspace)
            return _gone(request, slug, ProposeForm(request.POST, takes_two=True))
        messages.error(request, "There is no draft to publish." if place.draft is None else UNREAD)
        return redirect("policies:tiers", slug)
    form = _propose_form(place, request.POST if request.method == "POST" else None)
    if request.method == "GET":
        return _draw(request, place, propose_form=form)
    require(request.user, Permission.POLICY_PUBLISH, request.workspace)
    return _act(request, slug, form, lambda draft_id: _propose(request, draft_id, form), "propose_form")


def _propose_form(place: Place, data: Any) -> ProposeForm:
    assert place.draft is not None and place.diff is not None  # noqa: S101 - the caller looked
    draft = place.draft
    initial = {"revision": draft.revision, "message": draft.message, "reason": draft.reason, "when": "now"}
    return ProposeForm(data, takes_two=place.diff.verdict not in ONE_PERSON, initial=initial)


def _propose(request: AuthenticatedRequest, draft_id: str, form: ProposeForm) -> Outcome:
    data = form.cleaned_data
    return propose(
        actor=request.actor, user=request.user, draft_id=draft_id, revision=data["revision"] or 0, message=data["message"],
        reason=data.get("reason", ""), effective_at=data["effective_at"],
    )  # fmt: skip


@sign_in_required
@require_POST
def agree_(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The second policy admin agrees to exactly what stood on the page."""
    _to_publish(request, slug)
    form = AgreeForm(request.POST)
    return _act(
        request, slug, form,
        lambda draft_id: agree(
            actor=request.actor, user=request.user, draft_id=draft_id, revision=form.cleaned_data["revision"] or 0,
            digest=form.cleaned_data["digest"],
        ), "agree_form",
    )  # fmt: skip


@sign_in_required
@require_POST
def decline_(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Back to editing, with a reason: for the second person, for who asked, and for what is scheduled."""
    _to_publish(request, slug)
    form = DeclineForm(request.POST, auto_id="decline_%s")

    def act(draft_id: str) -> Outcome:
        data = form.cleaned_data
        return Outcome(
            decline(
                actor=request.actor,
                user=request.user,
                draft_id=draft_id,
                revision=data["revision"] or 0,
                reason=data["reason"],
            )
        )

    return _act(request, slug, form, act, "decline_form")


def _to_publish(request: AuthenticatedRequest, slug: str) -> Policy:
    policy = get_policy_for(request.user, request.workspace, slug)
    require(request.user, Permission.POLICY_PUBLISH, request.workspace)
    return policy


def _act(
    request: AuthenticatedRequest, slug: str, form: SeenForm, act: Callable[[str], Outcome], name: str
) -> HttpResponse:
    """Do it, or show the page again with what was refused: 409 when the draft moved on, else 422."""
    draft = open_draft_of(get_policy_for(request.user, request.workspace, slug))
    if draft is None:
        return _gone(request, slug, form)
    status = 422
    if form.is_valid():
        try:
            return _done(request, slug, act(draft.pk))
        except PolicyRefused as error:
            status = 409 if isinstance(error, DraftChanged) else 422
            form.refuse(error.field, error.sentence)
    place = place_of(request.user, request.workspace, slug)
    if place.diff is None:
        messages.error(request, UNREAD)
        return redirect("policies:document", slug)
    form.look_again(revision=place.revision, was="")
    return _draw(request, place, status=status, **{name: form})


def _gone(request: AuthenticatedRequest, slug: str, form: SeenForm) -> HttpResponse:
    """The draft was published or discarded meanwhile: what is live now, and where what was sent is kept."""
    return draw_tiers(
        request, place_of(request.user, request.workspace, slug), conflict=no_draft(request, form), status=409
    )


def _done(request: AuthenticatedRequest, slug: str, outcome: Outcome) -> HttpResponse:
    if outcome.version is not None:
        messages.success(
            request, f"v{outcome.version.number} is live. Actions that were decided before keep their version."
        )
        return redirect("policies:versions", slug)
    words = {
        PolicyDraft.State.PROPOSED: "Asked. A second policy admin has to agree.",
        PolicyDraft.State.SCHEDULED: "Scheduled. Every gate is asked again when its time comes.",
        PolicyDraft.State.OPEN: "Declined. The draft is open for editing again.",
    }
    messages.success(request, words[PolicyDraft.State(outcome.draft.state)])
    return redirect("policies:publish", slug)


def _draw(request: AuthenticatedRequest, place: Place, *, status: int = 200, **forms: SeenForm) -> HttpResponse:
    assert place.draft is not None  # noqa: S101 - the callers looked
    context: dict[str, Any] = {
        "place": place,
        "frame": frame_of(place, ""),
        "impact": impact_of(place),
        "draft": place.draft,
        "page": publishing_of(place, place.draft, request.user),
        "tests": place.plain.get("tests") or (),
        **_forms(place, place.draft),
        **forms,
    }
    return render(request, "policies/publish.html", context, status=status)


def _forms(place: Place, draft: PolicyDraft) -> dict[str, SeenForm]:
    revision = {"revision": draft.revision}
    return {
        "propose_form": _propose_form(place, None),
        "agree_form": AgreeForm(initial=revision | {"digest": draft.digest}),
        "decline_form": DeclineForm(initial=revision, auto_id="decline_%s"),
        "waiver_form": WaiverForm(controls=CONTROLS, roles=place.roles, initial=revision, auto_id="waiver_%s"),
    }


@sign_in_required
@require_POST
def add_waiver(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Name a missing control on purpose: who, why and until when stand in the document."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    form = WaiverForm(request.POST, controls=CONTROLS, roles=place.roles, auto_id="waiver_%s")
    by = name_for(policy, request.actor)
    sent = send(
        request, policy, form, change=lambda plain, data: edits.put_rule(plain, section="waivers", rule=form.waiver(by))
    )
    if sent.saved:
        return redirect("policies:publish", slug)
    place = place_of(request.user, request.workspace, slug)
    if place.draft is None:
        return _gone(request, slug, form)
    return _draw(request, place, status=sent.status, waiver_form=form)


@sign_in_required
@require_POST
def remove_waiver(request: AuthenticatedRequest, slug: str, id: str) -> HttpResponse:
    """Take a waiver out of the draft."""
    policy, form = policy_to_edit(request, slug), SeenForm(request.POST)
    sent = send(
        request, policy, form, seen=lambda plain: edits.value_at(plain, ("waivers", id)),
        change=lambda plain, data: edits.remove_rule(plain, section="waivers", id=id),
    )  # fmt: skip
    if not sent.saved:
        messages.error(request, refusal(sent, form))
    return redirect("policies:publish", slug)


@sign_in_required
@require_http_methods(["GET", "POST"])
def rebase(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Theirs, yours and the result, for the cells somebody touched; a choice where both did."""
    draft = open_draft_of(policy_to_edit(request, slug))
    if draft is None or not needs_rebase(draft):
        messages.success(request, "The draft is up to date." if draft else "There is no draft. Nothing was changed.")
        return redirect("policies:tiers", slug)
    if still_read(draft) is None:
        messages.error(request, UNREAD)
        return redirect("policies:document", slug)
    form, status = (
        SeenForm(request.POST if request.method == "POST" else None, initial={"revision": draft.revision}),
        200,
    )
    if request.method == "POST":
        choices = {
            name.removeprefix("choice:"): str(value)
            for name, value in request.POST.items()
            if name.startswith("choice:")
        }
        if form.is_valid() and _rebased(request, draft, form, choices):
            messages.success(request, "The draft is up to date with what is live.")
            return redirect("policies:tiers", slug)
        status = 409
    place = place_of(request.user, request.workspace, slug)
    merged = merge_of(draft)
    context = {
        "place": place,
        "frame": frame_of(place, ""),
        "form": form,
        "rows": merge_rows(merged, request.POST),
        "draft": draft,
    }
    return render(request, "policies/rebase.html", context | {"conflicts": len(merged.conflicts)}, status=status)


def _rebased(request: AuthenticatedRequest, draft: PolicyDraft, form: SeenForm, choices: dict[str, str]) -> bool:
    try:
        rebase_draft(
            actor=request.actor,
            user=request.user,
            draft_id=draft.pk,
            revision=form.cleaned_data["revision"] or 0,
            choices=choices,
        )
    except PolicyRefused as error:
        form.refuse("", error.sentence)
        form.look_again(revision=draft.revision, was="")
    except PolicyError as error:
        form.refuse("", str(error))
    return not form.errors
