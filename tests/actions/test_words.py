"""What Remit says of a step in its own words."""

from actions.states import STOPS_PLAN, State
from actions.words import ended


def test_how_a_step_ended_is_a_sentence_for_every_state_that_stops_a_plan():
    said = {state: ended(2, state).removeprefix("Step 2 ") for state in STOPS_PLAN}
    assert said == {
        State.DENIED: "was denied.", State.REJECTED: "was rejected.", State.EXPIRED: "expired.",
        State.WITHDRAWN: "was withdrawn.", State.STALE: "went out of date.", State.CANCELLED: "was cancelled.",
        State.BLOCKED: "was blocked.", State.FAILED: "failed.", State.FAILED_ATTESTED: "was not done.",
    }  # fmt: skip
