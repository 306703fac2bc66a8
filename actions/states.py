"""The one-way state machine of an action (guarantees 4.1), as data. Pure."""

from enum import StrEnum


class State(StrEnum):
    """Where one tool call stands. Values are public: they appear in the API, the ledger and exports."""

    PROPOSED = "proposed"
    DENIED = "denied"
    PENDING = "pending"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    STALE = "stale"
    AUTHORIZED = "authorized"
    CANCELLED = "cancelled"
    CLAIMED = "claimed"
    BLOCKED = "blocked"
    DISPATCHING = "dispatching"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NEEDS_HUMAN = "needs_human"
    SUCCEEDED_ATTESTED = "succeeded_attested"
    FAILED_ATTESTED = "failed_attested"


ARROWS: dict[State, frozenset[State]] = {
    State.PROPOSED: frozenset({State.DENIED, State.PENDING, State.AUTHORIZED}),
    State.PENDING: frozenset(
        {State.REJECTED, State.EXPIRED, State.WITHDRAWN, State.STALE, State.AUTHORIZED, State.PENDING}
    ),
    # To UNKNOWN only when another epoch began: the intent may be among the commits that were lost (F-05).
    State.AUTHORIZED: frozenset({State.CLAIMED, State.CANCELLED, State.EXPIRED, State.BLOCKED, State.UNKNOWN}),
    State.CLAIMED: frozenset({State.BLOCKED, State.DISPATCHING, State.AUTHORIZED, State.UNKNOWN}),
    State.DISPATCHING: frozenset({State.SUCCEEDED, State.FAILED, State.UNKNOWN}),
    # To itself: a try to find out, which fences off every earlier attempt.
    State.UNKNOWN: frozenset({State.SUCCEEDED, State.FAILED, State.NEEDS_HUMAN, State.UNKNOWN}),
    State.NEEDS_HUMAN: frozenset({State.SUCCEEDED_ATTESTED, State.FAILED_ATTESTED}),
}

# INVARIANT: these promise zero effects. Held by tests/actions/test_states.py and tests/actions/test_execution.py.
NOT_RUN = frozenset(
    {State.DENIED, State.REJECTED, State.EXPIRED, State.WITHDRAWN, State.STALE, State.CANCELLED, State.BLOCKED}
)
SUCCESS = frozenset({State.SUCCEEDED, State.SUCCEEDED_ATTESTED})
FINAL = NOT_RUN | SUCCESS | {State.FAILED, State.FAILED_ATTESTED}
IN_DOUBT = frozenset({State.UNKNOWN, State.NEEDS_HUMAN})
# What ends a plan: everything that ended without success (F-07). A step in doubt holds its plan where it is: nothing
# after it runs, and when it turns out to have succeeded the plan goes on.
STOPS_PLAN = FINAL - SUCCESS
# How a step ends that another step's end took along; one may also end so by itself.
TAKEN_ALONG = frozenset({State.CANCELLED, State.WITHDRAWN})
# What ended so takes its whole plan along, before and after it.
STOPS_WHOLE_PLAN = STOPS_PLAN - TAKEN_ALONG - {State.REJECTED}


def allowed(source: State, target: State) -> bool:
    """Whether the machine has an arrow from `source` to `target`."""
    return target in ARROWS.get(source, frozenset())
