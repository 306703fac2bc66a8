"""Tools: what each does, who may use it, and an admin's word on a changed definition."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from actions.tool_page import get_tool_for, tool_page, tool_rows, tools_visible_to
from actions.tool_versions import DecisionRefused, decide
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up


@sign_in_required
@require_GET
def tool_list(request: AuthenticatedRequest) -> HttpResponse:
    """Every tool of the workspace."""
    require(request.user, Permission.AGENT_VIEW, request.workspace)
    rows = tool_rows(request.workspace, tools_visible_to(request.user, request.workspace))
    return render(request, "actions/tool_list.html", {"rows": rows, "blocked": sum(row.blocked for row in rows)})


@sign_in_required
@require_GET
def tool_detail(request: AuthenticatedRequest, name: str) -> HttpResponse:
    """One tool."""
    return _page(request, name)


def _page(request: AuthenticatedRequest, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
    tool = get_tool_for(request.user, request.workspace, name)
    may = {
        "may_decide": has_permission(request.user, Permission.POLICY_PUBLISH, request.workspace),
        "may_pause": has_permission(request.user, Permission.AGENT_PAUSE, request.workspace),
    }
    return render(request, "actions/tool_detail.html", tool_page(tool) | may | more, status=status)


@sign_in_required
@require_POST
@step_up_first
def decide_tool(request: AuthenticatedRequest, name: str) -> HttpResponse:
    """Bring a changed definition into force, or keep the earlier one. Whoever decides has just proved who they are."""
    tool = get_tool_for(request.user, request.workspace, name)
    require(request.user, Permission.POLICY_PUBLISH, request.workspace)
    approve = request.POST.get("choice") == "approve"
    if approve and fresh_step_up(here(request)) is None:
        raise StepUpMissing("Prove who you are first.")
    try:
        decide(
            actor=request.actor, user=request.user, workspace=request.workspace, name=tool.name,
            digest=request.POST.get("digest", ""), approve=approve, reason=request.POST.get("reason", ""),
        )  # fmt: skip
    except DecisionRefused as error:
        return _page(request, name, status=409, refused=str(error))
    said = "The new definition is in force." if approve else "The earlier definition stays in force."
    messages.success(request, f"{said} {tool.name} may be used again.")
    return redirect("actions:tool", tool.name)
