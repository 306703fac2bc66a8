"""Everything that must still hold at the instant of dispatch (P4, R-26). Any doubt blocks."""

from collections.abc import Callable

from django.db import transaction

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.models import Agent, GroupMembership
from accounts.permissions import Permission
from actions import binding
from actions.connectors.base import CredentialError, ReadFailed
from actions.connectors.operation import OperationError
from actions.decide import decide_action
from actions.execution.preview import read_once, stored
from actions.execution.reach import Reach
from actions.models import Action
from approvals.models import ApprovalRequest, Verdict

RANK = {"allow": 0, "draft": 1, "approval": 2, "deny": 3}


def problem(action: Action, way: Reach) -> str:
    """The first thing that no longer holds, as a sentence; "" when all holds."""
    for check in CHECKS:
        sentence = check(action, way)
        if sentence:
            return sentence
    return ""


def _bytes(action: Action, way: Reach) -> str:
    """R-20: the digest is recomputed from the stored bytes that will be sent."""
    return "" if binding.bind(action) == action.digest else "The stored request no longer matches its digest."


def _tool(action: Action, way: Reach) -> str:
    """R-22: a tool whose definition changed is not the tool that was approved."""
    same = action.tool is not None and action.tool.digest == action.tool_digest
    return "" if same else "The tool's definition changed after this was decided."


def _principals(action: Action, way: Reach) -> str:
    agent = Agent.objects.get(pk=action.agent_id)
    if agent.state != Agent.State.ACTIVE:
        return f"{agent.name} is {agent.state}."
    if not action.requester.is_active:
        return f"{action.requester.name} no longer has access."
    if action.acting_user is not None and not _may_act(action):
        return f"{action.acting_user.name} may no longer roll back here."
    return ""


def _may_act(action: Action) -> bool:
    return action.acting_user is not None and has_permission(
        action.acting_user, Permission.TRACE_ROLLBACK, action.workspace
    )


def _approval(action: Action, way: Reach) -> str:
    """P4: approved, of exactly these bytes, in time, by people who may still approve."""
    request = ApprovalRequest.objects.filter(action_id=action.pk).first()
    if request is None:
        return "" if action.decision["effect"] == "allow" else "No approval was asked for."
    if request.state != ApprovalRequest.State.APPROVED or request.digest != action.digest:
        return "The approval is not of what would run."
    if database_now() >= request.expires_at:
        return f"The approval ran out at {request.expires_at:%H:%M:%S} UTC."
    return _voters(request)


def _voters(request: ApprovalRequest) -> str:
    """R-24: a vote is void when the voter lost the right to give it."""
    for verdict in request.verdicts.filter(void=False, choice=Verdict.Choice.APPROVE).select_related("user"):
        own_draft = request.kind == "draft" and verdict.user_id == request.requester_id
        entitled = own_draft or has_permission(verdict.user, Permission.APPROVAL_DECIDE, request.workspace)
        if not verdict.user.is_active or not entitled or not _still_in_group(request, verdict):
            return f"{verdict.user.name} may no longer approve this."
    return ""


def _still_in_group(request: ApprovalRequest, verdict: Verdict) -> bool:
    group = request.steps[verdict.step - 1]["group"]
    members = GroupMembership.objects.filter(group__workspace=request.workspace, group__slug=group, user=verdict.user)
    return not group or members.exists()


def _policy(action: Action, way: Reach) -> str:
    """R-26: decided again under the current version; tighter blocks, looser changes nothing."""
    with transaction.atomic():
        now = decide_action(action, way.definition)
    then = action.decision
    route_then = (then.get("route") or {}).get("steps")
    route_now = now.to_json()["route"]
    stricter = RANK[now.effect] > RANK[then["effect"]] or set(now.refused_fields) - set(then["refused_fields"])
    if stricter:
        return f"Policy {now.policy['name']} v{now.policy['version']} no longer allows this: {now.reason}"
    if now.effect == "approval" and list(map(dict, route_now["steps"] if route_now else ())) != route_then:
        return "The approval route changed after this was approved."
    return ""


def _prestate(action: Action, way: Reach) -> str:
    """The target is still what was decided on; a moved record is never overwritten blindly."""
    if action.before is None or way.definition.reads_only:
        return ""
    try:
        current = stored(read_once(way, action.arguments, reference=action.pk))
    except (OperationError, CredentialError, ReadFailed) as error:
        return f"The target could not be read again. {error}"
    if binding.prestate(current) == binding.prestate(action.before):
        return ""
    before, after = action.before["fields"], current["fields"]
    moved = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return f"The target changed after this was decided: {', '.join(moved) or 'its version moved'}."


CHECKS: tuple[Callable[[Action, Reach], str], ...] = (_bytes, _tool, _principals, _approval, _policy, _prestate)
