"""What spans say of an action: ids, names of ours, the decision and its policy. No value of the call (accounts.telemetry)."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts import telemetry
from accounts.telemetry import Value
from actions.models import Action
from actions.states import FINAL, SUCCESS
from approvals.models import ApprovalRequest

# The semantic conventions for agents and tools (OpenTelemetry, development status); what they lack is under `remit.`.
OPERATION, TOOL, AGENT = "gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.agent.id"


def about(action: Action) -> dict[str, Value]:
    """One action as attributes; a tool that is not one of ours is text of the agent's, so it is left out."""
    said: dict[str, Value] = {
        "remit.trace.id": action.trace_id,
        "remit.action.id": action.pk,
        "remit.workspace.id": action.workspace_id,
        "remit.state": str(action.state),
        AGENT: action.agent_id,
    }
    if action.tool_id:
        said[TOOL] = action.tool_name
    return said | _decision(action) | _approval(action)


def _decision(action: Action) -> dict[str, Value]:
    if not action.decision:
        return {}
    policy = action.decision["policy"]
    said: dict[str, Value] = {"remit.decision": action.decision["effect"], "remit.mode": action.mode}
    return said | {"remit.policy": policy["slug"], "remit.policy.version": policy["version"]}


def _approval(action: Action) -> dict[str, Value]:
    found = ApprovalRequest.objects.filter(action_id=action.pk).first()
    if found is None:
        return {}
    said: dict[str, Value] = {"remit.approval.id": found.pk, "remit.approval.state": str(found.state)}
    if found.settled_at is not None:
        said["remit.approval.waited_s"] = round((found.settled_at - found.created_at).total_seconds())
    return said


def note_action(action: Action) -> None:
    """Say on the current span which action it is about and how it stands."""
    if telemetry.is_told():
        telemetry.note(about(action))


@contextmanager
def deciding(tool: str) -> Iterator[None]:
    """Around the recording of one proposal. `tool` is "" where it is none of ours."""
    with telemetry.inside(f"decide {tool}".strip()):
        yield


@contextmanager
def executing(action: Action, verb: str = "execute_tool", *, claimed: bool = False) -> Iterator[None]:
    """Around one attempt, linked to the proposal that led to it where a wait lies between them. `claimed`: it has its fence."""
    first: dict[str, Value] = {
        OPERATION: "execute_tool",
        "gen_ai.tool.type": "extension",
        "remit.attempt": action.fence if claimed else action.fence + 1,
    }
    with telemetry.inside(f"{verb} {action.tool_name}", after=action.traceparent, said=first) as span:
        yield
        note_action(action)
        if action.state in FINAL - SUCCESS or action.in_doubt:
            telemetry.failed(span, str(action.state))
