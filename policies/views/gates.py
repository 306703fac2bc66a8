"""The ship gate of a policy's roles and of one agent, and moving a role up or down a tier."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import NotVisible, has_permission
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.ids import is_id
from accounts.models import Agent
from accounts.permissions import Permission
from policies import edits
from policies.access import policies_visible_to
from policies.catalog import classes_of
from policies.drafts import open_draft
from policies.forms.cells import MoveForm
from policies.pages.frame import frame_of
from policies.pages.gates import gate_views, live_views
from policies.pages.place import place_of
from policies.views.saving import policy_to_edit, refusal, send


@sign_in_required
@require_GET
def gate(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Per role: what each kind of effect must have, and what of it stands."""
    place = place_of(request.user, request.workspace, slug)
    agents = Agent.objects.filter(workspace=request.workspace, policy=slug)
    context = {"place": place, "frame": frame_of(place, ""), "views": gate_views(place), "agents": agents}
    return render(request, "policies/gate.html", context)


@sign_in_required
@require_GET
def agent_gate(request: AuthenticatedRequest, agent_id: str) -> HttpResponse:
    """The same for one agent: its role's table in the live version; why there is none, where its policy is missing."""
    agent = _agent(request, agent_id)
    if not policies_visible_to(request.user, request.workspace).filter(slug=agent.policy).exists():
        return render(request, "policies/agent_gate.html", {"agent": agent})
    place = place_of(request.user, request.workspace, agent.policy)
    views = live_views(place, agent.role)
    context = {"place": place, "frame": frame_of(place, ""), "views": views, "agent": agent}
    return render(request, "policies/agent_gate.html", context)


def _agent(request: AuthenticatedRequest, agent_id: str) -> Agent:
    found = Agent.objects.select_related("owner").filter(workspace=request.workspace)
    agent = found.filter(pk=agent_id).first() if is_id("agt", agent_id) else None
    if agent is None or not has_permission(request.user, Permission.POLICY_VIEW, request.workspace):
        raise NotVisible("agent")
    return agent


@sign_in_required
@require_POST
def move(request: AuthenticatedRequest, slug: str, role: str) -> HttpResponse:
    """Another tier for a role: an edit of the draft like any other, published by the same rules."""
    policy, form = policy_to_edit(request, slug), MoveForm(request.POST)
    if form.is_valid() and role in place_of(request.user, request.workspace, slug).roles:
        open_draft(actor=request.actor, user=request.user, policy=policy)
    classes = classes_of(request.workspace.pk)
    sent = send(
        request, policy, form, seen=lambda plain: edits.value_at(plain, ("roles", role, "tier")),
        change=lambda plain, data: edits.set_tier(plain, role=role, tier=data["tier"], classes=classes),
    )  # fmt: skip
    if sent.saved:
        messages.success(request, "The draft has the new tier. It counts once it is published.")
        return redirect("policies:publish", slug)
    messages.error(request, refusal(sent, form))
    return redirect("policies:gate", slug)
