"""A call that policy allows at once: where no system is asked before it, the intent is written with the proposal."""

from dataclasses import dataclass

from accounts.actors import Actor
from actions.connectors.base import Credential, CredentialError, Sent
from actions.connectors.operation import OperationError
from actions.execution.compose import compose
from actions.execution.intent import Moved, record_intent_with_decision
from actions.execution.lease import Lease
from actions.execution.reach import OutOfReach, Reach, reach
from actions.execution.recheck import Held
from actions.execution.run import act, advanced, asks_nobody, mint
from actions.machine import StateConflict
from actions.models import Action
from actions.spans import executing
from traces import ledger


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is sent, once the intent is committed."""

    way: Reach
    sent: Sent
    credential: Credential
    lease: Lease


class AtOnce:
    """One call of one request: `start` inside the transaction of its proposal, `advanced` after it.

    INVARIANT: the last look is a look of its own, under its locks, after the decision and before the intent: what is committed
    between the two counts. Held by tests/faults/test_decided_at_once.py.
    """

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._ready: _Ready | None = None

    def start(self, action: Action, chain: ledger.Held) -> None:
        """Claim an action that was just authorized and write its intent. Where it may not start now, or not like this, nothing
        is written: it runs as every action does, which says why not.

        An action of this transaction is of this epoch, and of no plan it would have to wait in.
        """
        # An unknown tool is denied, and a plan's steps do not come here.
        assert action.tool is not None and action.plan_id is None
        lease = Lease.take()
        try:
            way = reach(action.tool, action.redact, lease)
            if not asks_nobody(action, way):
                return
            ready = _Ready(way, compose(action, way), mint(self._actor, action, way, lease), lease)
            record_intent_with_decision(self._actor, action, way, ready.sent, ready.credential, lease, chain)
        except (OutOfReach, OperationError, CredentialError, Held, Moved):
            return
        self._ready = ready

    def advanced(self, action: Action) -> Action:
        """Send what was started; else run it if it is authorized. Gives the action as it stands afterwards."""
        ready = self._ready
        if ready is None:
            return advanced(actor=self._actor, action_id=action.pk)
        try:
            with executing(action, claimed=True):
                act(self._actor, action, ready.way, ready.sent, ready.credential, ready.lease)
        except StateConflict:
            action.refresh_from_db()
        return action
