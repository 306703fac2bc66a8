"""Edits of the tier matrix: one cell, the roles and their tiers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import Group
from policies import edits
from policies.catalog import classes_of
from policies.engine.diff.words import title
from policies.forms.cells import RoleForm, TierForm
from policies.forms.seen import SeenForm
from policies.pages.cells import cell_form, cell_panel
from policies.pages.place import Place, place_of
from policies.pages.tiers import terms, told_terms
from policies.views.rendering import back, draw, draw_tiers
from policies.views.saving import Sent, policy_to_edit, refusal, send

GONE = "This role or tool is not in the policy any more. Nothing was saved."


@sign_in_required
@require_POST
def set_cell(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Save one cell; 409 in place when it changed since the page was drawn."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    role, tool = request.POST.get("role", ""), request.POST.get("tool", "")
    if role not in place.roles or tool not in place.every_tool:
        messages.error(request, GONE)
        return redirect("policies:tiers", slug)
    form, at = cell_form(place, role, tool, request.POST), ("roles", role, "tools", tool)
    sent = send(
        request, policy, form, seen=lambda plain: edits.value_at(plain, at),
        change=lambda plain, data: edits.set_mode(
            plain, role=role, tool=tool, mode=data["mode"] or None, route=data["route"] or None, **form.ending
        ),
    )  # fmt: skip
    if sent.saved:
        return redirect(back(request, "tiers", slug))
    place = place_of(request.user, request.workspace, slug)
    panel = cell_panel(place, f"{role}/{tool}", form=form, conflict=sent.conflict)
    return draw_tiers(request, place, cell=panel, status=sent.status)


@sign_in_required
@require_POST
def add_role(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """A new role without tools."""
    policy, form = policy_to_edit(request, slug), RoleForm(request.POST)
    sent = send(
        request, policy, form, change=lambda plain, data: edits.add_role(plain, role=data["role"], tier=data["tier"])
    )
    if sent.saved:
        return redirect(back(request, "tiers", slug))
    return draw_tiers(
        request,
        place_of(request.user, request.workspace, slug),
        role_form=form,
        status=sent.status,
        conflict=sent.conflict,
    )


@sign_in_required
@require_http_methods(["GET", "POST"])
def role(request: AuthenticatedRequest, slug: str, role: str) -> HttpResponse:
    """A role's tier, runbook and on-call group."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    if request.method == "GET" and (role not in place.roles or place.draft is None):
        messages.error(request, GONE if place.draft else "There is no draft. Open one to change a role.")
        return redirect("policies:tiers", slug)
    form, sent, classes = _role_form(request, place, role), Sent(False, 200), classes_of(request.workspace.pk)
    if request.method == "POST":
        sent = send(
            request, policy, form, seen=lambda plain: terms(plain, role),
            change=lambda plain, data: edits.set_role_terms(
                edits.set_tier(plain, role=role, tier=data["tier"], classes=classes), role=role, runbook=data["runbook"],
                on_call=data["on_call"],
            ),
        )  # fmt: skip
    if sent.saved:
        return redirect("policies:tiers", slug)
    context = {
        "form": form, "role": role, "role_title": title(role), "conflict": sent.conflict,
        "theirs": told_terms(place.plain, role), "role_seen": edits.fingerprint(edits.value_at(place.plain, ("roles", role))),
    }  # fmt: skip
    return draw(request, place, "tiers", context, template="role_form", status=sent.status)


def _role_form(request: AuthenticatedRequest, place: Place, role: str) -> TierForm:
    now = terms(place.plain, role)
    initial = {
        "revision": place.revision, "was": edits.fingerprint(now), "tier": now[0], "runbook": now[1], "on_call": now[2],
    }  # fmt: skip
    groups = list(Group.objects.filter(workspace=request.workspace).order_by("name").values_list("slug", "name"))
    return TierForm(request.POST if request.method == "POST" else None, groups=groups, initial=initial)


@sign_in_required
@require_POST
def remove_role(request: AuthenticatedRequest, slug: str, role: str) -> HttpResponse:
    """A role and its tools leave the draft."""
    policy, form = policy_to_edit(request, slug), SeenForm(request.POST)
    sent = send(
        request, policy, form, seen=lambda plain: edits.value_at(plain, ("roles", role)),
        change=lambda plain, data: edits.remove_role(plain, role=role),
    )  # fmt: skip
    if not sent.saved:
        messages.error(request, refusal(sent, form))
    return redirect("policies:tiers", slug)
