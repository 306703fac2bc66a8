"""Runs one authorized action: claim, re-check, mint, record the intent, dispatch, read back, record (guarantees 4.1).

Every entry point - inline call, Celery task, rollback - comes through `run` (R-20).
"""

from contextlib import suppress
from dataclasses import asdict

from accounts.actors import Actor
from accounts.room import left
from actions.connectors.base import Credential, CredentialError, Outcome, Sent
from actions.connectors.operation import OperationError
from actions.epochs import current, doubt, may_have_run
from actions.execution import credentials, recheck
from actions.execution.by_agent import hand_over
from actions.execution.compose import attempt_record, compose
from actions.execution.finish import block, give_back, record_outcome
from actions.execution.intent import Moved, claim, record_intent
from actions.execution.lease import Lease
from actions.execution.reach import OutOfReach, Reach, reach
from actions.execution.upstream import moved_upstream
from actions.machine import StateConflict
from actions.models import Action
from actions.spans import executing
from actions.states import State
from actions.turns import is_its_turn


def run(*, actor: Actor, action_id: str) -> State:
    """Run an action if it is authorized and it is its turn; otherwise do nothing. Safe to call any number of times.

    Returns the state it is in afterwards.
    """
    return State(advanced(actor=actor, action_id=action_id).state)


def advanced(*, actor: Actor, action_id: str) -> Action:
    """The same; gives the action as it stands afterwards: read before it ran, and every column that was written since."""
    action = recheck.read_now(action_id)
    if action.state != State.AUTHORIZED:
        return action
    # Where it is held it was not even claimed: waiting is no event, however often somebody rings.
    with suppress(recheck.Held):
        try:
            _start(actor, action)
        except StateConflict:
            action.refresh_from_db()
    return action


def _start(actor: Actor, action: Action) -> None:
    """Claim it and act, if it may start now. Raises StateConflict when somebody else moved it, Held before it is claimed."""
    epoch = current()
    if may_have_run(action, epoch):
        return doubt(actor, action, epoch)
    if not is_its_turn(action):
        return None
    assert action.tool is not None  # An authorized action has a tool: an unknown one is denied.
    lease = Lease.take()
    try:
        way = reach(action.tool, action.redact, lease)
        at_once = asks_nobody(action, way)
    except (OutOfReach, CredentialError) as error:
        return _stop(actor, action, lease, str(error))
    if at_once:
        with executing(action):
            return _at_once(actor, action, way, lease)
    recheck.refuse_held(action)
    with executing(action):
        claim(actor, action, lease)
        return _attempt(actor, action, way, lease)


def _stop(actor: Actor, action: Action, lease: Lease, sentence: str) -> None:
    """Claim what cannot be sent at all, and block it. Raises Held."""
    recheck.refuse_held(action)
    claim(actor, action, lease)
    return block(actor, action, sentence)


def asks_nobody(action: Action, way: Reach) -> bool:
    """Whether no system is talked to before the intent. A target that is compared, a server's list and a minted credential are
    asked for, and what the agent does itself is handed over. Raises CredentialError."""
    compares = action.before is not None and not way.definition.reads_only
    asks = compares or way.upstream is not None or way.operation.by_agent
    return not asks and way.connector.asks_nobody(way.info)


def _at_once(actor: Actor, action: Action, way: Reach, lease: Lease) -> None:
    """Claim it in the transaction of the intent: the last look, under its locks, asks all that would be asked before a claim of
    its own. Raises Held before it is claimed."""
    try:
        sent = compose(action, way)
        credential = mint(actor, action, way, lease)
        record_intent(actor, action, way, sent, credential, lease)
    except (OperationError, CredentialError) as error:
        return _stop(actor, action, lease, str(error))
    except Moved as moved:
        claim(actor, action, lease)
        return _block(actor, action, moved.found)
    return act(actor, action, way, sent, credential, lease)


def _attempt(actor: Actor, action: Action, way: Reach, lease: Lease) -> None:
    try:
        found = recheck.problem(action, way) or moved_upstream(actor, action, way)
        if found:
            return _block(actor, action, found)
        if way.operation.by_agent:
            found = hand_over(actor, action, way)
            return _block(actor, action, found) if found else None
        sent = compose(action, way)
        credential = mint(actor, action, way, lease)
    except recheck.Held as held:
        return give_back(actor, action, str(held))
    except (OperationError, CredentialError) as error:
        return block(actor, action, str(error))
    try:
        _dispatch(actor, action, way, sent, credential, lease)
    finally:
        credentials.end(actor, action, way, credential)


def _block(actor: Actor, action: Action, found: recheck.Finding) -> None:
    block(actor, action, found.sentence, moved=[asdict(one) for one in found.moved])


def mint(actor: Actor, action: Action, way: Reach, lease: Lease) -> Credential:
    """A credential for this attempt: the operation's one scope, the target record, inside the lease."""
    scope, record = (way.operation.scope,), attempt_record(action, way)
    if way.connector.asks_nobody(way.info):
        return credentials.own(action, way, scope=scope, record=record, lease=lease)
    return credentials.mint(
        actor, action, way, scope=scope, record=record, lease=lease, purpose=credentials.Purpose.ATTEMPT
    )


def _dispatch(actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential, lease: Lease) -> None:
    """The intent is durable before the first byte leaves; whatever happens then is recorded as what it is."""
    if lease.timeout_s() <= 0:
        return block(actor, action, "The lease was too short to act in.")
    try:
        record_intent(actor, action, way, sent, credential, lease)
    except recheck.Held as held:
        return give_back(actor, action, str(held))
    except Moved as moved:
        return _block(actor, action, moved.found)
    return act(actor, action, way, sent, credential, lease)


def act(actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential, lease: Lease) -> None:
    outcome = _send(way, sent, credential, lease)
    record_outcome(actor, action, way, outcome, credential, timeout_s=lease.timeout_s())


def _send(way: Reach, sent: Sent, credential: Credential, lease: Lease) -> Outcome:
    timeout = lease.timeout_s()
    if timeout <= 0:
        return Outcome("no_effect", None, None, "The lease ran out before anything was sent.", 0)
    with left():
        return way.connector.dispatch(way.info, way.operation, sent, credential, timeout_s=timeout)
