"""Asks the policy engine about one action, under the live version, with usage read under the counters' locks."""

from typing import Any

from accounts.clock import database_now
from accounts.models import Agent
from actions.definition import Definition
from actions.facts import engine_request
from actions.models import Action
from policies.engine import checks
from policies.engine.decide import decide, deny
from policies.engine.document import Document
from policies.engine.problems import PolicyError
from policies.engine.types import Check, Decision, Request
from policies.limits import lock_counters, usage
from policies.services import PolicyMissing, live_document


def decide_action(action: Action, definition: Definition | None, *, problem: str = "") -> Decision:
    """The live policy's decision on what was proposed (or, after an edit, on what stands there now).

    Takes the limit counters' locks: call it inside the transaction that records the decision. Anything missing or
    broken is a denial that says so (P5).
    """
    try:
        document, version = live_document(workspace_id=action.workspace_id, slug=action.agent.policy)
    except (PolicyMissing, PolicyError) as error:
        return _without_policy(action.agent, str(error))
    if definition is None:
        reason = f"{action.tool_name} is not a tool of this workspace."
        return deny(document, version=version.number, name="Tool", rule="tools", reason=reason,
                    remedy="Use a tool from the list this agent is given.")  # fmt: skip
    if problem:
        return deny(document, version=version.number, name="Target", rule="preview", reason=problem,
                    remedy="Try again when the system answers. Nothing was sent.")  # fmt: skip
    return _decide(action, definition, document, version.number)


def _decide(action: Action, definition: Definition, document: Document, version: int) -> Decision:
    request = request_of(action, definition, {})
    counters = checks.counters(document, request)
    lock_counters(action.workspace_id, counters)
    used = usage(action.workspace_id, counters, action_id=action.pk)
    return decide(document, request_of(action, definition, used), version=version)


def request_of(action: Action, definition: Definition, used: dict[str, int]) -> Request:
    """The engine's input for an action as it stands."""
    return engine_request(
        agent=action.agent,
        requester=action.requester,
        definition=definition,
        arguments=requested(action, definition),
        record=(action.before or {}).get("fields"),
        usage=used,
        at=database_now(),
    )


def requested(action: Action, definition: Definition) -> dict[str, Any]:
    """What stands to be decided: the agent's proposal, with a person's edits in it."""
    edited = {name: values[1] for name, values in action.edits.items()}
    return definition.with_fields(action.proposed, edited) if edited else action.proposed


def _without_policy(agent: Agent, sentence: str) -> Decision:
    reason = f"{sentence} Without a policy nothing is allowed."
    found = Check("Policy", "denied", "policy", agent.policy, "live", reason, "A policy admin can publish one.")
    policy = {"slug": agent.policy, "name": agent.policy, "version": 0, "digest": ""}
    return Decision("deny", "off", "", (found,), None, (), (), reason, policy)


def may_read_target(agent: Agent, definition: Definition) -> bool:
    """Whether the target may be read before deciding: only for a tool that is not off for this role (P1)."""
    try:
        document, _ = live_document(workspace_id=agent.workspace_id, slug=agent.policy)
    except (PolicyMissing, PolicyError):
        return False
    role = document.roles.get(agent.role)
    rule = role.tools.get(definition.name) if role else None
    if role is None or rule is None:
        return False
    return checks.mode_for(role, definition.name, definition.effect_class) != "off"
