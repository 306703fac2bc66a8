"""A trace has a title in every mixture of states: one that has none would stop the sweeper's round."""

from dataclasses import dataclass, field
from itertools import product

from actions.states import State
from traces.sentences import title


@dataclass
class Told:
    state: str
    effect_class: str = "write"
    words: dict[str, str] = field(
        default_factory=lambda: {"imperative": "Order tea", "present": "Ordering tea", "past": "Ordered tea"}
    )


def test_every_mixture_of_three_states_has_a_title():
    for states in product(State, repeat=3):
        assert title([Told(state) for state in states], intent="")


def test_what_is_in_doubt_is_said_though_another_may_still_run():
    told = [Told(State.SUCCEEDED), Told(State.AUTHORIZED), Told(State.UNKNOWN)]
    assert title(told, intent="") == "Ordered tea, then outcome unknown: order tea"
