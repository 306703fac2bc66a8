"""Row scopes: which records a role may touch, built from pickers or written as CEL."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import NotVisible
from accounts.http import AuthenticatedRequest, sign_in_required
from policies import edits
from policies.engine.diff.words import title
from policies.engine.expressions import BadExpression
from policies.forms.scopes import LINES, ScopeForm, initial_of
from policies.pages.conditions import from_cel, sentence_of
from policies.pages.place import Place, place_of
from policies.pages.rules import scope_lines
from policies.usage_stats import ScopeSample, scope_sample
from policies.views.rendering import draw, filters_of
from policies.views.saving import Sent, policy_to_edit, send


@sign_in_required
@require_GET
def rows(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Every scope as a sentence."""
    place = place_of(request.user, request.workspace, slug)
    role = filters_of(request).role
    return draw(request, place, "rows", {"lines": scope_lines(place, role), "role": role})


@sign_in_required
@require_http_methods(["GET", "POST"])
def scope(request: AuthenticatedRequest, slug: str, role: str, resource_type: str) -> HttpResponse:
    """Build one scope; `?preview` of the sent pickers counts without saving."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    if role not in place.roles and request.method == "GET":
        raise NotVisible("role")
    form, sent = _form(request, place, role, resource_type), Sent(False, 200)
    look = request.POST.get("do") == "preview"
    if request.method == "POST" and not look:
        sent = send(
            request, policy, form, seen=lambda plain: _now(plain, role, resource_type),
            change=lambda plain, data: edits.set_scope(
                plain, role=role, resource_type=resource_type, expression=data["expression"] or None
            ),
        )  # fmt: skip
    if sent.saved:
        return redirect("policies:rows", slug)
    expression = _shown(form, place, role, resource_type)
    context = {
        "form": form, "role": role, "role_title": title(role), "resource_type": resource_type,
        "noun": place.noun(resource_type), "expression": expression, "conflict": sent.conflict,
        "theirs": [sent.conflict.theirs] if sent.conflict and sent.conflict.theirs else [],
        "sentence": sentence_of(expression, place.noun(resource_type)) if expression else "",
        "sample": _sample(place, role, resource_type, expression, form),
    }  # fmt: skip
    return draw(request, place, "rows", context, template="scope_form", status=sent.status)


def _now(plain: object, role: str, resource_type: str) -> object:
    return edits.value_at(plain, ("roles", role, "scopes", resource_type))  # type: ignore[arg-type]


def _form(request: AuthenticatedRequest, place: Place, role: str, resource_type: str) -> ScopeForm:
    now = edits.value_at(place.plain, ("roles", role, "scopes", resource_type)) or ""
    picked = from_cel(now) if now else []
    sayable = picked is not None and len(picked) <= LINES
    view = "cel" if request.GET.get("view") == "cel" or not sayable else "pick"
    initial = {
        "role": role, "resource_type": resource_type, "revision": place.revision, "view": view, "cel": now,
        "was": edits.fingerprint(now or None), **(initial_of(picked) if picked and sayable else {}),
    }  # fmt: skip
    data = request.POST if request.method == "POST" else None
    return ScopeForm(data, initial=initial, known=_known(place, role, resource_type))


def _known(place: Place, role: str, resource_type: str) -> set[str]:
    """Fields on offer: what tools write and what roles may read."""
    rule = edits.value_at(place.plain, ("roles", role, "fields", resource_type)) or {}
    entries = [entry for entry in place.tools.values() if entry.facts.resource_type == resource_type]
    return {"id", *rule.get("read", ()), *rule.get("write", ()), *(found.name for e in entries for found in e.fields)}


def _shown(form: ScopeForm, place: Place, role: str, resource_type: str) -> str:
    """The expression the page speaks of: the sent one where it is whole, else the one that stands."""
    if form.is_bound and form.is_valid():
        return str(form.cleaned_data.get("expression", ""))
    return str(edits.value_at(place.plain, ("roles", role, "scopes", resource_type)) or "")


def _sample(place: Place, role: str, resource_type: str, expression: str, form: ScopeForm) -> ScopeSample | None:
    try:
        return scope_sample(place.policy.workspace_id, place.policy.slug, role, resource_type, expression or "true")
    except BadExpression as error:
        if form.is_bound:
            form.refuse("cel", str(error))
        return None
