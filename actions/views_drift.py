"""What moved between the decision and the dispatch, and asking for the same call again."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from actions.access import get_action_for
from actions.record import told
from actions.replan import ReplanRefused, refusal, replan
from traces.canonical import parse_instant


@sign_in_required
@require_GET
def drift(request: AuthenticatedRequest, action_id: str) -> HttpResponse:
    """Old value beside new, who and when where that is known; one button that asks again."""
    action = get_action_for(request.user, action_id)
    request.show_workspace(action.workspace)
    rows: list[dict[str, Any]] = [
        {**row, "at": parse_instant(row["at"]) if row["at"] else None} for row in action.drift
    ]
    context = {
        "action": action,
        "sentence": told(action, action.definition, action.arguments)["imperative"],
        "rows": rows,
        "refusal": refusal(request.user, action),
        "again": getattr(action, "replanned_as", None),
    }
    return render(request, "actions/drift.html", context)


@sign_in_required
@require_POST
def ask_again(request: AuthenticatedRequest, action_id: str) -> HttpResponse:
    """Start the same call as a new action of the same trace."""
    action = get_action_for(request.user, action_id)
    request.show_workspace(action.workspace)
    try:
        made = replan(actor=actor_for_user(request.user, action.workspace), user=request.user, action=action)
    except ReplanRefused as error:
        messages.error(request, str(error))
        return redirect("actions:drift", action.pk)
    messages.success(request, f"Asked for again as step {made.step}. Policy decided it as things stand now.")
    return redirect("traces:detail", action.trace_id)
