"""Pausing agents, tools, connections and the workspace, and letting them go on."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import Agent, Workspace
from accounts.permissions import Permission
from actions.forms import PauseForm
from actions.models import Action, Connection, KillSwitch, Tool
from actions.states import State
from actions.switches import Scope, SwitchRefused, held_actions, open_switches, pause, release


@sign_in_required
@require_http_methods(["GET", "POST"])
def pause_(request: AuthenticatedRequest) -> HttpResponse:
    """What is paused, and a scoped choice of what to pause."""
    require(request.user, Permission.AGENT_VIEW, request.workspace)
    sent = request.POST if request.method == "POST" else None
    chosen = {"what": request.GET.get("what", "")}  # A trace links here with its agent chosen.
    form = PauseForm(sent, choices=_choices(request.workspace), initial=chosen)
    if request.method == "POST":
        require(request.user, Permission.AGENT_PAUSE, request.workspace)
        if form.is_valid() and _paused(request, form):
            return redirect("actions:pause")
    context = {
        "form": form,
        "held": _held(request.workspace),
        "can_pause": has_permission(request.user, Permission.AGENT_PAUSE, request.workspace),
    }
    return render(request, "actions/pause.html", context, status=200 if request.method == "GET" else 422)


def _paused(request: AuthenticatedRequest, form: PauseForm) -> bool:
    scope, _, target = form.cleaned_data["what"].partition(":")
    try:
        made = pause(
            actor=request.actor, user=request.user, workspace=request.workspace, scope=scope, target=target,
            reason=form.cleaned_data["reason"],
        )  # fmt: skip
    except SwitchRefused as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"{made.name} is paused. Nothing it covers is sent until someone releases it.")
    return True


@sign_in_required
@require_POST
def release_(request: AuthenticatedRequest, switch_id: str) -> HttpResponse:
    """Let what one switch holds go on."""
    try:
        made = release(
            actor=request.actor, user=request.user, workspace=request.workspace, switch_id=switch_id,
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
        messages.success(request, f"{made.name} may go on. What was waiting runs now.")
    except SwitchRefused as error:
        messages.error(request, str(error))
    return redirect("actions:pause")


def _choices(workspace: Workspace) -> list[tuple[str, Any]]:
    agents = Agent.objects.filter(workspace=workspace)
    tools = Tool.objects.filter(workspace=workspace)
    connections = Connection.objects.filter(workspace=workspace).order_by("name")
    return [
        (f"{Scope.WORKSPACE.value}:", f"All of {workspace.name}"),
        ("Agents", [(f"{Scope.AGENT.value}:{one.pk}", one.name) for one in agents]),
        ("Tools", [(f"{Scope.TOOL.value}:{one.name}", one.name) for one in tools]),
        ("Connections", [(f"{Scope.CONNECTION.value}:{one.pk}", one.name) for one in connections]),
    ]


def _held(workspace: Workspace) -> list[dict[str, Any]]:
    """Switches this workspace feels, with how many approved actions wait behind each."""
    switches = open_switches().filter(Q(workspace=workspace) | Q(scope=KillSwitch.Scope.EVERYTHING))
    mine = Action.objects.filter(workspace=workspace, state=State.AUTHORIZED)
    return [{"switch": one, "waiting": mine.filter(held_actions([one])).count()} for one in switches]
