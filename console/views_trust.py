"""Trust: the four families, the rows behind each number, what they do not see, and a scorecard per agent."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import NotVisible, agents_visible_to, get_agent_for, require
from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from actions.models import Rollback
from console.trust import behind, coverage
from console.trust.measures import families
from console.trust.outcomes import COUNTED, by_agent, outcomes
from console.trust.spans import DEFAULT, PERIODS, Span
from console.trust.whose import Whose
from policies.demotions import terms


@sign_in_required
@require_GET
def trust(request: AuthenticatedRequest) -> HttpResponse:
    """How far the agents are trusted, measured."""
    days, span = _span(request)
    workspace = request.workspace
    agents = list(agents_visible_to(request.user, workspace))
    scores, demoting = by_agent(workspace, span), terms(agents, workspace.pk)
    context = {
        **_periods(days),
        "families": families(Whose(workspace), span),
        "outcomes": outcomes(workspace, span),
        "columns": [words for words, _ in COUNTED.values()],
        "scores": [(agent, scores[agent.pk], demoting[agent.pk]) for agent in agents],
        "without_policy": coverage.without_policy(workspace),
        "raw": coverage.raw_credentials(workspace),
        "shadows": coverage.shadows(workspace),
        "lowered": coverage.lowered(workspace, span),
    }
    return render(request, "console/trust.html", context)


def _span(request: AuthenticatedRequest) -> tuple[str, Span]:
    """Raises Forbidden for people who see only their own traces: these are numbers about everybody."""
    require(request.user, Permission.TRACE_VIEW, request.workspace)
    asked = request.GET.get("days", DEFAULT)
    days = asked if asked in PERIODS else DEFAULT
    return days, Span.up_to(database_now(), days)


def _periods(days: str) -> dict[str, Any]:
    return {"days": days, "periods": [(key, words, key == days) for key, words in PERIODS.items()]}


@sign_in_required
@require_GET
def trust_agent(request: AuthenticatedRequest, agent_id: str) -> HttpResponse:
    """The scorecard of one agent: the four numbers of its own, and what demotes it."""
    agent = get_agent_for(request.user, agent_id)
    request.show_workspace(agent.workspace)
    days, span = _span(request)
    context = {
        **_periods(days),
        "agent": agent,
        "families": families(Whose(agent.workspace, agent), span),
        "row": by_agent(agent.workspace, span)[agent.pk],
        "terms": terms([agent], agent.workspace_id)[agent.pk],
    }
    return render(request, "console/trust_agent.html", context)


@sign_in_required
@require_GET
def trust_rows(request: AuthenticatedRequest, key: str) -> HttpResponse:
    """The rows behind one number; `day` narrows it to one, `agent` to those of one agent."""
    agent = get_agent_for(request.user, request.GET["agent"]) if "agent" in request.GET else None
    if agent:
        request.show_workspace(agent.workspace)
    days, span = _span(request)
    try:
        day = date.fromisoformat(request.GET["day"]) if "day" in request.GET else None
        heading, rows = behind.rows_of(key, Whose(request.workspace, agent), span, day)
    except (LookupError, ValueError) as error:
        raise NotVisible("number") from error
    context = {**_periods(days), "heading": heading, "rows": rows, "day": day, "most": behind.MOST, "agent": agent}
    return render(request, "console/trust_rows.html", context)


@sign_in_required
@require_GET
def rollbacks(request: AuthenticatedRequest) -> HttpResponse:
    """What people undid, the newest first."""
    require(request.user, Permission.TRACE_VIEW, request.workspace)
    rows = behind.rollback_rows(Rollback.objects.filter(trace__workspace=request.workspace))
    return render(request, "console/rollbacks.html", {"rows": rows, "most": behind.MOST})
