"""Agents: who they are, what they may do and used, what holds them; their tokens and runbook."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import agents_visible_to, get_agent_for, has_permission, require
from accounts.actors import actor_for_user
from accounts.consents.services import living_consents
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import Agent
from accounts.permissions import Permission
from accounts.services import TOKEN_DAYS, TOKEN_DAYS_MOST, AccountRefused
from actions.agent_page import DAYS, agent_page, agent_rows
from actions.agents import change_runbook, end_consent_of, issue_token, revoke_token
from actions.listing import latest_of
from actions.snippets import snippet
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up
from traces.access import traces_visible_to

LATEST = 10


class TokenForm(forms.Form):
    """How long a new token lives."""

    days = forms.IntegerField(min_value=1, max_value=TOKEN_DAYS_MOST, initial=TOKEN_DAYS, label="Days it is good for")


class RunbookForm(forms.Form):
    """Where people look when the agent misbehaves."""

    runbook_url = forms.URLField(
        required=False, max_length=300, assume_scheme="https", label="Runbook",
        help_text="Shown on every trace of this agent. Empty: none.",
    )  # fmt: skip


@sign_in_required
@require_GET
def agent_list(request: AuthenticatedRequest) -> HttpResponse:
    """Every agent of the workspace."""
    require(request.user, Permission.AGENT_VIEW, request.workspace)
    rows = agent_rows(request.workspace, list(agents_visible_to(request.user, request.workspace)))
    may_pause = has_permission(request.user, Permission.AGENT_PAUSE, request.workspace)
    return render(request, "actions/agent_list.html", {"rows": rows, "days": DAYS, "may_pause": may_pause})


@sign_in_required
@require_GET
def agent_detail(request: AuthenticatedRequest, agent_id: str) -> HttpResponse:
    """One agent."""
    agent = _shown(request, agent_id)
    return _page(request, agent)


def _shown(request: AuthenticatedRequest, agent_id: str) -> Agent:
    agent = get_agent_for(request.user, agent_id)
    request.show_workspace(agent.workspace)
    return agent


def _page(request: AuthenticatedRequest, agent: Agent, *, status: int = 200, **more: Any) -> HttpResponse:
    user, workspace = request.user, agent.workspace
    context = agent_page(agent) | {
        "token_form": TokenForm(),
        "runbook_form": RunbookForm(initial={"runbook_url": agent.runbook_url}),
        "may_manage": has_permission(user, Permission.AGENT_MANAGE, workspace),
        "may_pause": has_permission(user, Permission.AGENT_PAUSE, workspace),
        "consents": list(living_consents().filter(agent=agent)),
        "connect": snippet(request.GET.get("stack", "")),
        "sees_traces": traces_visible_to(user, workspace).filter(agent=agent).exists(),
        "latest": latest_of(user, agent, LATEST),
    }
    return render(request, "actions/agent_detail.html", context | more, status=status)


@sign_in_required
@require_POST
@step_up_first
def issue_token_(request: AuthenticatedRequest, agent_id: str) -> HttpResponse:
    """A new token, on this answer and nowhere else. Who asks has just proved who they are."""
    agent = _shown(request, agent_id)
    require(request.user, Permission.AGENT_MANAGE, agent.workspace)
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, agent, status=422, token_form=form)
    if fresh_step_up(here(request)) is None:
        raise StepUpMissing("Prove who you are first.")
    actor = actor_for_user(request.user, agent.workspace)
    try:
        _, token = issue_token(actor=actor, user=request.user, agent_id=agent.pk, days=form.cleaned_data["days"])
    except AccountRefused as error:
        form.add_error("days", str(error))
        return _page(request, agent, status=422, token_form=form)
    return _page(request, agent, token=token)


@sign_in_required
@require_POST
def revoke_token_(request: AuthenticatedRequest, agent_id: str, credential_id: str) -> HttpResponse:
    """End one token now. No step-up: at 02:00 it has to be quick, and it only takes away."""
    agent = _shown(request, agent_id)
    actor = actor_for_user(request.user, agent.workspace)
    found = revoke_token(actor=actor, user=request.user, agent_id=agent.pk, credential_id=credential_id)
    messages.success(request, f"{found} is revoked. Its next request is refused.")
    return redirect("actions:agent", agent.pk)


@sign_in_required
@require_POST
def end_consent_(request: AuthenticatedRequest, agent_id: str, consent_id: str) -> HttpResponse:
    """End what one person allowed. No step-up, as for a token."""
    agent = _shown(request, agent_id)
    actor = actor_for_user(request.user, agent.workspace)
    found = end_consent_of(actor=actor, user=request.user, agent_id=agent.pk, consent_id=consent_id)
    messages.success(request, f"{agent.name} does not act for {found.person.name} by {found.client_name} any more.")
    return redirect("actions:agent", agent.pk)


@sign_in_required
@require_POST
def runbook(request: AuthenticatedRequest, agent_id: str) -> HttpResponse:
    """Set or clear the runbook."""
    agent = _shown(request, agent_id)
    require(request.user, Permission.AGENT_MANAGE, agent.workspace)
    form = RunbookForm(request.POST)
    if not form.is_valid():
        return _page(request, agent, status=422, runbook_form=form)
    actor = actor_for_user(request.user, agent.workspace)
    change_runbook(actor=actor, user=request.user, agent_id=agent.pk, url=form.cleaned_data["runbook_url"])
    messages.success(request, "The runbook is saved.")
    return redirect("actions:agent", agent.pk)
