"""Rolling usage of a replay equals the sum one would take of everything held at that instant."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.replay.windows import Rolling

START = datetime(2026, 11, 1, tzinfo=UTC)
WINDOWS = {"a:agent:1": 60, "a:agent:2": 60, "b:workspace:all": 300}
# Seconds since the one before, counter, amount, and after how many seconds it was given back.
events = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(sorted(WINDOWS)), st.integers(0, 9), st.none() | st.integers(0, 400)),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(events)
def test_usage_is_what_lies_in_the_window_and_was_not_given_back(happened):
    rolling, at, held = Rolling(), START, []
    for after, key, amount, back in happened:
        at += timedelta(seconds=after)
        wanted = {
            name: sum(
                n for when, whose, n, until in held
                if whose == name and when > at - timedelta(seconds=window) and (until is None or until > at)
            )
            for name, window in WINDOWS.items()
        }  # fmt: skip
        assert rolling.usage(WINDOWS, at) == wanted
        until = None if back is None else at + timedelta(seconds=back)
        rolling.hold([(key, amount)], at, until=until)
        held.append((at, key, amount, until))
