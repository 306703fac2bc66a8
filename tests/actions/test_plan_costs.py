"""A plan of fifty items asks the database as often as a plan of five: its page, what an agent is told, its summary."""

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.scopes import EVERYTHING
from actions.models import Plan
from actions.plan_page import plan_page
from actions.plans import Step, record_plan
from actions.propose import prepare
from actions.summary import refresh_trace
from gateway.serialise import export_out, plan_out, trace_out
from tests.actions.test_bulk import client, items
from tests.actions.undoing import TICKET
from tests.builders import opened, publish, sample_plain
from traces.models import Trace

FEW, MANY = 5, 50


def recorded(cast, count: int) -> Plan:
    """A bulk step of so many items and a fifth as many single steps, all of one record, which is read once."""
    (call,) = items(["90001"])
    ready, single = prepare(agent=cast.agent, name=TICKET, arguments=call, effects=EVERYTHING), count // 5
    steps = [Step("Note the tickets", TICKET, items=(call,) * count), *[Step("Note it", TICKET, call)] * single]
    return record_plan(
        actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), sources=[], resumes=None, steps=steps,
        prepared=[[ready] * count, *[[ready]] * single],
    )  # fmt: skip


def asked(work: Callable[[], object]) -> list[str]:
    """Statements of the second time."""
    work()
    with CaptureQueriesContext(connection) as found:
        work()
    return [one["sql"] for one in found]


def as_often(few: list[str], many: list[str]) -> bool:
    """Whether both ask as often; what is asked more often is told."""
    assert len(few) == len(many), "\n".join(sorted(sql[:160] for sql in many))
    return True


def test_what_people_and_agents_see_of_a_long_plan_that_waits_for_people(cast):
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][TICKET] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    with CaptureQueriesContext(connection) as found:
        few, many = recorded(cast, FEW), recorded(cast, MANY)
    assert sum(one["sql"].startswith('UPDATE "traces_trace" SET "title"') for one in found) == 2, "Once a plan."
    assert Trace.objects.get(pk=many.trace_id).title.endswith("and 59 more")

    page = client(cast)
    assert as_often(*(asked(lambda p=plan: page.get(f"/plans/{p.pk}/")) for plan in (few, many)))
    shown = plan_page(cast.user("priya"), many)
    assert (len(shown.bulks[0].decisions[0].requests), len(shown.decisions)) == (MANY, MANY // 5)

    assert as_often(*(asked(lambda p=plan: plan_out(p)) for plan in (few, many)))
    assert as_often(*(asked(lambda p=plan: trace_out(p.trace)) for plan in (few, many)))
    assert as_often(*(asked(lambda p=plan: export_out(p.trace)) for plan in (few, many)))
    assert {step["approval"]["state"] for step in plan_out(many)["steps"]} == {"open"}

    statements = asked(lambda: refresh_trace(many.trace_id))
    assert as_often(asked(lambda: refresh_trace(few.trace_id)), statements)
    assert sum('"arguments_text"' in sql for sql in statements) == 2, "Only what the title names is read whole."
