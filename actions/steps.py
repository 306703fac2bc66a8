"""The numbers of a trace's actions: one after the other, each once, and not without end."""

from django.db.models import Count

from accounts.questions import Question
from actions.models import Action

# Far more than one intent takes, and such that whoever opens the trace is still shown it.
MOST_STEPS = 10_000


class TraceFull(Exception):
    """A trace takes no more actions: nothing was recorded. The message says what to do instead."""

    def __init__(self, trace_id: str) -> None:
        self.trace_id = trace_id
        super().__init__(
            f"A trace holds at most {MOST_STEPS:,} actions, and this one would hold more. Open another trace and ask there. "
            "Nothing was executed."
        )


_COUNT = Question(
    lambda trace_id: (
        Action.objects.filter(trace_id=trace_id).order_by().values("trace_id").annotate(n=Count("pk")).values_list("n")
    )
)


def next_step(trace_id: str, *, more: int = 1) -> int:
    """The number of the first of so many actions more. Raises TraceFull where the trace does not take them all.

    INVARIANT: counted while the caller holds the trace, so that no two actions have one number. Held by
    tests/actions/test_steps.py.
    """
    taken = next((count for (count,) in _COUNT.all(trace_id)), 0)
    if taken + more > MOST_STEPS:
        raise TraceFull(trace_id)
    return taken + 1
