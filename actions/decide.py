"""Asks the policy engine about one action, under the live version, with usage read under the counters' locks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from accounts.models import Agent, User
from actions import mandate
from actions.definition import Definition
from actions.facts import Moment, engine_request, moment, standing
from actions.models import Action
from actions.redaction import UNLISTED
from actions.switches import REMEDY
from policies.engine import checks
from policies.engine.decide import decide, deny
from policies.engine.document import Document
from policies.engine.problems import PolicyError
from policies.engine.rows import listed
from policies.engine.types import Check, Decision, Request
from policies.limits import lock_counters, usage
from policies.services import PolicyMissing, live_document, read_live

UNREAD = "The target was not read before this was decided."
ASK_AGAIN = "Ask again: it is read then. Nothing was sent."


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision with what it was made on. `asked` says whether the engine was; a missing policy or target is not asked.
    `shadowed`: it was, and something runs in the policy's shadow."""

    decision: Decision
    request: Request
    document: Document | None
    asked: bool
    shadowed: bool = False


def decide_action(action: Action, definition: Definition | None, *, problem: str = "") -> Decision:
    """The live policy's decision on what was proposed (or, after an edit, on what stands there now). See `judge`."""
    return judge(action, definition, problem=problem).decision


def judge(action: Action, definition: Definition | None, *, problem: str = "", held: str = "") -> Judged:
    """The decision and what it was made on. `held` says which pause covers the call, `problem` why its target is not known.

    Takes the limit counters' locks: call it inside the transaction that records the decision. Anything missing or
    broken is a denial that says so (P5).

    INVARIANT: nothing is allowed on a record that was not read. Held by tests/actions/test_unread_target.py.
    """
    stands = standing(action.requester_id, action.workspace_id, action.agent.policy)
    request = _request_of(action, definition, stands.now)
    try:
        document, version = read_live(stands.live, action.agent.policy)
    except (PolicyMissing, PolicyError) as error:
        return Judged(_without_policy(action.agent, str(error)), request, None, asked=False)
    if definition is None:
        reason = f"{action.tool_name} is not a tool of this workspace."
        remedy = "Use a tool from the list this agent is given."
        denial = deny(document, version=version.number, name="Tool", rule="tools", reason=reason, remedy=remedy)
        return Judged(denial, request, document, asked=False)
    if held:
        denial = deny(document, version=version.number, name="Pause", rule="pause", reason=held, remedy=REMEDY)
        return Judged(denial, request, document, asked=False)
    found = mandate.checks(action, definition.effect_class, request.requester["roles"])
    beyond = mandate.denial(document, version.number, found)
    if beyond is not None:
        return Judged(beyond, request, document, asked=False)
    if problem:
        remedy = "Try again when the system answers. Nothing was sent."
        denial = deny(document, version=version.number, name="Target", rule="preview", reason=problem, remedy=remedy)
        return Judged(denial, request, document, asked=False)
    request = _counted(action, document, request)
    decision = decide(document, request, version=version.number)
    if decision.effect != "deny" and definition.has_target and action.before is None:
        # Prepared while a pause or the policy kept us from looking, which ended since: without the record nothing is safe.
        denial = deny(document, version=version.number, name="Target", rule="preview", reason=UNREAD, remedy=ASK_AGAIN)
        return Judged(denial, request, document, asked=False)
    return Judged(mandate.told(decision, action, found), request, document, True, stands.shadowed)


def _counted(action: Action, document: Document, request: Request) -> Request:
    """The request with the usage of its limits, read under their counters' locks."""
    counters = checks.counters(document, request)
    lock_counters(action.workspace_id, counters)
    return replace(request, usage=usage(action.workspace_id, document.slug, counters, action_id=action.pk))


def lock_limits(*, agent: Agent, requester: User, calls: Iterable[tuple[Definition, Mapping[str, Any]]]) -> None:
    """Take the locks of every limit several calls count against, in one order, before the first of them is decided.

    Two plans that took them step by step could wait for each other.
    """
    document = live(agent)
    if document is None:
        return
    keys: set[str] = set()
    for definition, arguments in calls:
        now = moment(requester.pk, agent.workspace_id, agent.policy)
        request = engine_request(
            agent=agent, requester=requester, tool=definition.name, definition=definition, arguments=arguments,
            record=None, now=replace(now, tripped=frozenset()),
        )  # fmt: skip
        keys |= set(checks.counters(document, request))
    lock_counters(agent.workspace_id, keys)


def lock_own_limits(action: Action, definition: Definition) -> None:
    """Take the locks of every limit this action counts against, before anything else is looked at (P9, R-26)."""
    stands = standing(action.requester_id, action.workspace_id, action.agent.policy)
    try:
        document, _ = read_live(stands.live, action.agent.policy)
    except (PolicyMissing, PolicyError):
        return
    lock_counters(action.workspace_id, checks.counters(document, _request_of(action, definition, stands.now)))


def _request_of(action: Action, definition: Definition | None, now: Moment) -> Request:
    """The engine's input for an action as it stands, without the usage of its limits."""
    return engine_request(
        agent=action.agent,
        requester=action.requester,
        tool=action.tool_name,
        definition=definition,
        arguments=requested(action, definition) if definition else action.proposed,
        record=(action.before or {}).get("fields"),
        now=replace(now, tripped=_covering(action, now.tripped)),
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


def _covering(action: Action, keys: frozenset[str]) -> frozenset[str]:
    """Of the breakers that hold, those that count here: one that stopped the agent does not stop a person who undoes what it
    did."""
    mine = f":agent:{action.agent_id}"
    return frozenset(key for key in keys if not (action.acting_user_id and key.endswith(mine)))


def live(agent: Agent) -> Document | None:
    """The live document of the agent's policy; None where there is none that loads."""
    try:
        return live_document(workspace_id=agent.workspace_id, slug=agent.policy)[0]
    except (PolicyMissing, PolicyError):
        return None


def redactions(document: Document | None, definition: Definition) -> dict[str, str]:
    """What a live policy redacts of this tool's resource type: field -> kind. Nothing without a policy."""
    return dict(document.redact.get(definition.resource_type) or {}) if document else {}


def unlisted(
    document: Document | None, of_role: str, definition: Definition, record: Mapping[str, Any]
) -> dict[str, str]:
    """Fields of a record that a live policy does not list for this role, whole or in part: field -> kind of withheld value."""
    role = document.roles.get(of_role) if document else None
    shown = listed(role, definition.resource_type, record).value if role else {}
    rule = role.fields.get(definition.resource_type) if role else None
    masks = rule.mask if rule else {}
    return {
        name: masks.get(name, UNLISTED) for name, value in record.items() if name not in shown or shown[name] != value
    }


def may_read_target(document: Document | None, of_role: str, definition: Definition, at: datetime) -> bool:
    """Whether the target may be read before deciding: only for a tool that is not off for this role at that time (P1)."""
    if document is None:
        return False
    role = document.roles.get(of_role)
    rule = role.tools.get(definition.name) if role else None
    if role is None or rule is None:
        return False
    return checks.mode_for(role, definition.name, definition.effect_class, at) != "off"
