"""`python -m tests.faults.once run ACTION…` or `decide TRACE TOOL ARGUMENTS`: one process of Remit's own, which says what it did.

It prints JSON: the wall clock it has, and the states or the decision.
"""

import json
import sys
import time

import django

django.setup()

from accounts.actors import actor_for_agent  # noqa: E402 - Django first
from actions.models import Action  # noqa: E402
from actions.services import evaluate  # noqa: E402
from actions.tasks import run_action  # noqa: E402
from traces.models import Trace  # noqa: E402


def _run(ids: list[str]) -> list[str]:
    for action_id in ids:
        run_action(action_id)
    return [Action.objects.get(pk=action_id).state for action_id in ids]


def _decide(trace_id: str, tool: str, arguments: str) -> dict:
    trace = Trace.objects.get(pk=trace_id)
    assert trace.agent is not None
    found = evaluate(
        actor=actor_for_agent(trace.agent), agent=trace.agent, trace=trace, tool=tool, arguments=json.loads(arguments)
    )
    return found.to_json()


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    told = _run(rest) if verb == "run" else _decide(*rest)
    print(json.dumps({"clock": time.time(), "told": told}))  # noqa: T201 - whoever started it reads this
