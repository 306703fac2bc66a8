"""Everything that must still hold at the instant of dispatch (P4, R-26). Any doubt blocks."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import CharField, QuerySet, Value

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.held import hold_capacities, hold_governed, hold_rights
from accounts.models import Agent, PersonToken, User
from accounts.permissions import Permission
from accounts.questions import Question
from accounts.room import left
from accounts.ways_in import why_nothing_is_sent
from actions import binding, mandate
from actions.ask import DRAFT_ROUTE
from actions.connectors.base import CredentialError, ReadFailed
from actions.connectors.operation import OperationError
from actions.decide import decide_action, lock_own_limits
from actions.execution.preview import read_once, stored
from actions.execution.reach import Reach
from actions.models import Action
from actions.record import known_secrets
from actions.redaction import Secrets, mask, worded
from actions.switches import Place, why_held
from approvals.models import ApprovalRequest, BreakGlass, Verdict
from approvals.requirement import enough, required_level
from approvals.standing import no_longer
from approvals.statement import broken, by_passkey, glass_broken
from policies.engine.diff.model import LOOSENS
from policies.engine.diff.routes import stricter_route
from policies.engine.routes import recorded
from policies.engine.types import Decision, Route
from policies.limits import replace_holds
from policies.models import PolicyVersion
from traces.canonical import canonical_text, instant, plain
from traces.checkpoints.health import workspace_health

logger = logging.getLogger("remit.execution")
# Not all in one statement: PostgreSQL weighs every order of joining, which for nine tables takes it longer than all else.
_RELATED = Question(lambda pk: Action.objects.select_related("tool__connection", "agent", "requester").filter(pk=pk))
_PERSON = Question(lambda pk: User.objects.filter(pk=pk))
_TOKEN = Question(lambda pk: PersonToken.objects.filter(pk=pk))
_AGENT = Question(lambda pk: Agent.objects.filter(pk=pk))
_ASKED = Question(lambda action_id: ApprovalRequest.objects.filter(action_id=action_id))
RANK = {"allow": 0, "draft": 1, "approval": 2, "deny": 3}


class Held(Exception):
    """A pause covers the action: it is not sent now, and not lost either. The message is the sentence."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing that is not as it was approved; who moved it and when, where that is known."""

    what: str
    approved: Any
    now: Any
    who: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What no longer holds. With `moved` it is drift: the same call can be asked for again as things stand now."""

    sentence: str
    moved: tuple[Moved, ...] = ()


def read_now(action_id: str) -> Action:
    """An action with what is asked of every one before it runs. Raises Action.DoesNotExist."""
    found = _RELATED.first(action_id)
    if found is None:
        raise Action.DoesNotExist(f"There is no action {action_id}.")
    if found.acting_user_id is not None:
        found.acting_user = _PERSON.all(found.acting_user_id)[0]
    if found.person_token_id is not None:
        found.person_token = _TOKEN.all(found.person_token_id)[0]
    return found


def problem(action: Action, way: Reach, *, checks: "tuple[Check, ...] | None" = None) -> Finding | None:
    """The first thing that no longer holds; None when all holds. Raises Held."""
    refuse_held(action)
    for check in CHECKS if checks is None else checks:
        found = check(action, way)
        if found:
            return found if isinstance(found, Finding) else Finding(found)
    return None


def refuse_held(action: Action) -> None:
    """Raises Held when a kill switch covers the action now (P9), when its tool's definition changed and nobody has
    decided on it (R-22), or when its ledger is not checkpointed (F13)."""
    held = why_held(Place.of(action))
    if held:
        raise Held(held)
    health = workspace_health(action.workspace_id)
    if not health.ok:
        raise Held(f"Nothing is sent while the ledger is not checkpointed. {health.sentence}")


def _bytes(action: Action, way: Reach) -> str:
    """R-20: the digest is recomputed from the stored bytes that will be sent, and from where they would go."""
    same = binding.bind(action) == action.digest
    return "" if same else "The stored request, or the system it would go to, no longer matches its digest."


def _tool(action: Action, way: Reach) -> Finding | str:
    """R-22: a tool whose definition changed is not the tool that was approved."""
    tool = action.tool
    if tool is not None and tool.digest == action.tool_digest:
        return ""
    now, at = (tool.digest, instant(tool.loaded_at)) if tool else ("none", "")
    moved = Moved("Tool definition", action.tool_digest, now, at=at)
    return Finding("The tool's definition changed after this was decided.", (moved,))


def _principals(action: Action, way: Reach) -> str:
    if action.acting_user is None and (stopped := why_nothing_is_sent(action.agent)):
        return stopped
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
    request = _ASKED.first(action.pk)
    if request is None:
        return "" if action.decision["effect"] == "allow" else "No approval was asked for."
    if database_now() >= request.expires_at:
        return f"The approval ran out at {request.expires_at:%H:%M:%S} UTC."
    try:
        return no_longer(request, action.digest) or _rerouted(action, request) or _signatures(action, request)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # INVARIANT: rows that are no approval are a block, never a worker that ends. Held by tests/approvals/test_binding.py.
        logger.exception("The approval of %s cannot be read.", action.pk)
        return "The stored approval cannot be read as one."


def _rerouted(action: Action, request: ApprovalRequest) -> str:
    """P4: people were asked on the route that policy decided, and on no shorter one that the row says now."""
    decided = action.decision.get("route")
    if request.kind == ApprovalRequest.Kind.DRAFT:
        same = action.decision["effect"] == "draft" and request.route == DRAFT_ROUTE
    else:
        same = decided is not None and recorded(request.route) == recorded(decided)
    return "" if same else "The approval was not asked for on the route that was decided."


def _signatures(action: Action, request: ApprovalRequest) -> str:
    """R-25: everybody who counts signed this very action, each as surely as is asked now; so did whoever broke glass.

    INVARIANT: a row that says `approved` or `break_glass` opens nothing by itself. Held by
    tests/approvals/test_binding.py and tests/stepup/test_break_glass.py.
    """
    level = required_level(request)
    for user, signed, why in _given(request, binding.bound(action)):
        if why:
            return f"The approval of {user.name} proves nothing: {why}."
        proof = signed["statement"]["step_up"] or {}
        if not enough(level, proof.get("method", ""), by_passkey=level == "passkey" and by_passkey(user, signed)):
            return f"{user.name} approved without the step-up that is asked now."
    return ""


def _given(request: ApprovalRequest, bound: Mapping[str, Any]) -> Iterator[tuple[User, Mapping[str, Any], str]]:
    """Who let this run, what they signed, and why that proves nothing, if so."""
    if request.state == ApprovalRequest.State.BREAK_GLASS:
        found = BreakGlass.objects.select_related("user").get(request=request)
        yield found.user, found.signed, glass_broken(found, request, bound)
        return
    for verdict in request.verdicts.filter(void=False, choice=Verdict.Choice.APPROVE).select_related("user"):
        yield verdict.user, verdict.signed, broken(verdict, request, bound)


def _decided_again(action: Action, way: Reach, reserves: Callable[[Decision], bool]) -> Finding | str:
    """R-26: under the current version; tighter blocks, looser changes nothing. `reserves`: whether what it holds is held anew."""
    with transaction.atomic(savepoint=False):
        now = decide_action(action, way.definition)
        sentence = _stricter(action.decision, _followed(action), now)
        if not sentence and reserves(now):
            # What runs now counts now, also against limits that came later.
            policy = str(now.policy["slug"])
            replace_holds(workspace_id=action.workspace_id, policy=policy, action_id=action.pk, holds=now.holds)
    return Finding(sentence, _policy_moved(action, now)) if sentence else ""


def _policy(action: Action, way: Reach) -> Finding | str:
    """At the last look of what was decided before: what runs now is reserved now."""
    return _decided_again(action, way, lambda now: True)


def _policy_so_far(action: Action, way: Reach) -> Finding | str:
    """The same while what was reserved at the decision still counts: the last look, which always follows, replaces it."""
    return _decided_again(action, way, lambda now: False)


def _policy_since_decision(action: Action, way: Reach) -> Finding | str:
    """The same in the transaction of the decision: what that reserved is not reserved again, unless it is another amount now."""
    return _decided_again(action, way, lambda now: _reserves(now.to_json()) != _reserves(action.decision))


def _reserves(decision: Mapping[str, Any]) -> tuple[str, Any]:
    """Under which policy, and what of which limits."""
    return decision["policy"]["slug"], plain(decision["holds"])


def _stricter(then: Mapping[str, Any], followed: Route | None, now: Decision) -> str:
    beyond = next((check for check in now.checks if check.outcome == "denied" and check.rule in mandate.RULES), None)
    if beyond is not None:
        return beyond.reason
    version = f"Policy {now.policy['name']} v{now.policy['version']}"
    if RANK[now.effect] > RANK[then["effect"]] or set(now.refused_fields) - set(then["refused_fields"]):
        return f"{version} no longer allows this: {now.reason}"
    if now.effect == "approval" and not _asked_enough(followed, now.route):
        return f"{version} asks for other approvals than were given."
    return ""


def _followed(action: Action) -> Route | None:
    """The route as it was followed: a way past it that nobody took and people who were not added are no part of it."""
    asked = action.decision.get("route")
    request = _ASKED.first(action.pk) if asked is not None else None
    if asked is None or request is None:
        return None
    route, broken = recorded(asked), request.state == ApprovalRequest.State.BREAK_GLASS
    added = tuple(route.escalation[place] for place in request.escalated)
    return replace(route, escalation=added, break_glass=route.break_glass if broken else None)


def _asked_enough(followed: Route | None, now: Route | None) -> bool:
    """Whether the route that was followed asked at least what the current one asks."""
    if followed is None or now is None:
        return False
    judged = stricter_route(now, followed)
    return judged is None or judged[0] != LOOSENS


def _policy_moved(action: Action, now: Decision) -> tuple[Moved, ...]:
    """The version that was published since; nothing where the version is the same (a freeze began, a limit filled up)."""
    then, current = (action.decision.get("policy") or {}), now.policy
    if then.get("version") == current["version"]:
        return ()
    found = PolicyVersion.objects.filter(
        policy__workspace_id=action.workspace_id, policy__slug=current["slug"], number=current["version"]
    ).first()
    who, at = (str((found.published_by or {}).get("name", "")), instant(found.published_at)) if found else ("", "")
    return (Moved(f"Policy {current['name']}", f"v{then.get('version')}", f"v{current['version']}", who, at),)


def _prestate(action: Action, way: Reach) -> Finding | str:
    """The target is still what was decided on; a moved record is never overwritten blindly."""
    if action.before is None or way.definition.reads_only:
        return ""
    try:
        with left():
            current = stored(read_once(way, action.arguments, reference=action.pk))
    except (OperationError, CredentialError, ReadFailed) as error:
        return f"The target could not be read again. {error}"
    if binding.prestate(current) == binding.prestate(action.before):
        return ""
    before, after = action.before["fields"], current["fields"]
    moved = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    sentence = f"The target changed after this was decided: {', '.join(moved) or 'its version moved'}."
    known = known_secrets(way.definition, action.proposed, before, after)
    rows = [Moved(name, *(_shown(name, fields.get(name), known) for fields in (before, after))) for name in moved]
    version = Moved("Version of the record", action.before["version"], current["version"], at=current["read_at"])
    return Finding(sentence, (*rows, version))


def _shown(name: str, value: Any, known: Secrets) -> Any:
    """A value as people and the ledger may see it: a sensitive one by its kind, parts of records as text."""
    kind = known.kind_of(name)
    if value is not None and kind is not None:
        return f"[{kind}]"
    if value is None or isinstance(value, bool | int | float):
        return value
    # Masked before it is text: there a quote or a line break would be spelled otherwise than in the value.
    found = worded(mask({name: value}, known)[name])
    return (found if isinstance(found, str) else canonical_text(found))[:500]


def last_look(action: Action, way: Reach) -> Finding | None:
    """What no longer holds at the very end, in the caller's transaction. Raises Held.

    INVARIANT: locks are waited for first, those of limits, those of rights and that of what governs, and only then anything is
    read: what is committed during the wait, such as a pause, counts, and nothing of it is committed between the look and the
    caller's end (P9, R-26). Held by tests/faults/test_last_look.py and tests/faults/test_governed.py. The target is not read
    again: no transaction waits for another system.
    """
    # Which policy's limits it counts against may have changed since it was read.
    action.agent = _AGENT.all(action.agent_id)[0]
    lock_own_limits(action, way.definition)
    return _looked(action, way, _APPROVED.all(action.pk), OWN_CHECKS)


def last_look_at_decision(action: Action, way: Reach) -> Finding | None:
    """The same in the transaction that decided it and has held the locks of its limits since. Raises Held.

    Nobody else has seen it, so nobody approved it; what it reserves is its own already, unless policy moved meanwhile.
    """
    return _looked(action, way, [], DECISIONS_OWN_CHECKS)


def _looked(
    action: Action, way: Reach, approved: list[tuple[str, str | None, str | None]], checks: "tuple[Check, ...]"
) -> Finding | None:
    _hold_rights(action, approved)
    hold_governed(action.workspace_id)
    return problem(read_now(action.pk), way, checks=checks)


def _hold_rights(action: Action, approved: list[tuple[str, str | None, str | None]]) -> None:
    """What it rests on: who asked and who acts, who approved or broke glass, for whom and by what right they did."""
    people = {action.requester_id, action.acting_user_id, *(person for row in approved for person in row[:2])}
    hold_rights(
        workspace_id=action.workspace_id,
        agent_id=action.agent_id,
        people=sorted(filter(None, people)),
        token_id=action.person_token_id,
    )
    if approved:
        delegations = [delegation for *_, delegation in approved if delegation is not None]
        hold_capacities(workspace_id=action.workspace_id, delegations=delegations)


def _of_approved(action_id: str) -> QuerySet[Verdict, tuple[str, str | None, str | None]]:
    """Whoever let it run, for whom and under which delegation: voted and was not voided, or broke glass."""
    nobody = Value(None, output_field=CharField())
    broke = BreakGlass.objects.filter(request__action_id=action_id).values_list("user_id", nobody, nobody)
    voted = Verdict.objects.filter(request__action_id=action_id, void=False)
    return voted.values_list("user_id", "delegation__person_id", "delegation_id").union(broke)


_APPROVED = Question(_of_approved)


Check = Callable[[Action, Reach], Finding | str]
CHECKS: tuple[Check, ...] = (_bytes, _tool, _principals, _approval, _policy_so_far, _prestate)
# What needs no other system: at the intent, and for the same request again, whose own effect may be what moved the target.
OWN_CHECKS: tuple[Check, ...] = (_bytes, _tool, _principals, _approval, _policy)
# The same of what was decided, and reserved, a moment before in the same transaction.
DECISIONS_OWN_CHECKS: tuple[Check, ...] = (_bytes, _tool, _principals, _approval, _policy_since_decision)
