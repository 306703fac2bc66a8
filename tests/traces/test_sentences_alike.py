"""States that read alike, so that a move between them need not read the whole trace again."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from actions.states import State
from traces.sentences import ALIKE, outcome, title

FORMS = {"past": "Did it", "present": "Doing it", "imperative": "Do it"}


@dataclass
class Said:
    state: str
    effect_class: str = "write"
    words: dict = field(default_factory=lambda: FORMS)


@given(
    st.lists(
        st.tuples(st.sampled_from([state.value for state in State]), st.sampled_from(["read", "write"])), max_size=6
    )
)
def test_title_and_outcome_are_the_same_for_states_that_read_alike(parts):
    for one in ALIKE:
        for other in ALIKE:
            before = [Said(one if state in ALIKE else state, effect) for state, effect in parts]
            after = [Said(other if state in ALIKE else state, effect) for state, effect in parts]
            assert outcome([part.state for part in before]) == outcome([part.state for part in after])
            assert title(before, intent="x") == title(after, intent="x")
