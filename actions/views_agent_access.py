"""Shutting an agent out, and letting it in again: what it would do first, then one act with a reason."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import get_agent_for, require
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.letting_in import REASON_LEAST, REASON_MOST
from accounts.models import Agent
from accounts.permissions import Permission
from accounts.services import AccountRefused
from actions.agent_page import token_lines
from actions.agents import let_in, shut_out
from actions.models import Action
from actions.states import State
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up


class AccessForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        min_length=REASON_LEAST, max_length=REASON_MOST, label="Why? It stands in the ledger.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


@sign_in_required
@require_http_methods(["GET", "POST"])
@step_up_first
def access(request: AuthenticatedRequest, agent_id: str) -> HttpResponse:
    """One page for both, by how the agent stands. Only what takes away needs no proof: at 02:00 it has to be quick."""
    agent = get_agent_for(request.user, agent_id)
    request.show_workspace(agent.workspace)
    out = agent.state == Agent.State.DISABLED
    require(request.user, Permission.AGENT_MANAGE if out else Permission.AGENT_PAUSE, agent.workspace)
    form = AccessForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and request.POST.get("act") not in _ACTS:
        form.add_error(None, "Say what to do: shut it out, or let it in.")
    if request.method == "POST" and form.is_valid() and _done(request, agent, form):
        return redirect("actions:agent", agent.pk)
    context = {"agent": agent, "form": form, "out": out, **_consequence(agent)}
    return render(request, "actions/agent_access.html", context, status=200 if request.method == "GET" else 422)


_ACTS = {
    "shut-out": (shut_out, "{} is shut out. Its next call is refused, and nothing that it asked for is sent."),
    "let-in": (let_in, "{} may call again by the tokens and clients it still has."),
}


def _done(request: AuthenticatedRequest, agent: Agent, form: AccessForm) -> bool:
    """The form says which act: a page that was open while somebody else did it does not do the opposite."""
    act, told = _ACTS[request.POST["act"]]
    if act is let_in:
        require(request.user, Permission.AGENT_MANAGE, agent.workspace)
        if fresh_step_up(here(request)) is None:
            raise StepUpMissing("Prove who you are first.")
    actor, reason = actor_for_user(request.user, agent.workspace), form.cleaned_data["reason"]
    try:
        act(actor=actor, user=request.user, agent_id=agent.pk, reason=reason)
    except AccountRefused as refused:
        form.add_error("reason", str(refused))
        return False
    messages.success(request, told.format(agent.name))
    return True


def _consequence(agent: Agent) -> dict[str, Any]:
    """What shutting out would stop, and what letting in would let go on."""
    mine = Action.objects.filter(agent=agent)
    return {
        "waiting": mine.filter(state=State.PENDING).count(),
        "approved": mine.filter(state=State.AUTHORIZED).count(),
        "tokens": sum(line.living for line in token_lines(agent)),
        "clients": agent.clients.count(),
    }
