"""A budget is exact at the system of record: 100 parallel calls on a budget of 10 send 10 mails (A-02)."""

import threading

import pytest
from django.db import connection, connections

from actions.models import Action
from actions.services import call_tool
from policies.models import LimitHold
from tests.builders import opened, publish, sample_plain, waive

BUDGET, CALLS = 10, 100


@pytest.fixture
def spender(transactional_db, cast):
    """An agent that may send mail by itself, ten a day."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"]["desk.mail.send"] = {"mode": "auto"}
    next(limit for limit in plain["limits"] if limit["id"] == "mail.daily")["max"] = BUDGET
    waive(plain, "side_effect.break_glass")
    publish(cast, plain)
    return cast


def send(cast, number: int) -> str:
    arguments = {"to": "ap@birch.example", "subject": f"Letter {number}", "body": "Hello."}
    return call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool="desk.mail.send", arguments=arguments
    ).state


# Connections that are left to whatever else runs its tests on the same server.
OTHERS = 40
# A call that waits longer for the budget's lock than the product waits (10 s) is refused, and is to be asked again. A machine
# that does other work meanwhile may need longer for a hundred calls one behind the other, and that is not the question here.
PATIENT = "SET lock_timeout = '150s'"


def room() -> int:
    """How many connections the server still has to give. `make test` starts one with room for every call at once."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        most = int(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        return most - cursor.fetchone()[0] - OTHERS


def test_a02_parallel_calls_on_a_budget_take_effect_exactly_that_often(spender, desk):
    """Each thread has its own connection, and no call begins before all of them are there."""
    workers = min(CALLS, room())
    assert workers >= 16, "Too few connections are left for a race: raise max_connections."
    numbers, ended, lock, ready = iter(range(CALLS)), [], threading.Lock(), threading.Barrier(workers)

    def work() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(PATIENT)
            ready.wait(timeout=120)
            while (number := taken()) is not None:
                ended.append(send(spender, number))
        finally:
            connections.close_all()

    def taken() -> int | None:
        with lock:
            return next(numbers, None)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ended.count("succeeded"), ended.count("denied"), len(ended)) == (BUDGET, CALLS - BUDGET, CALLS)
    sent = {action.result["remote_id"] for action in Action.objects.filter(state="succeeded")}
    assert len(sent) == BUDGET and all(desk.read(f"/mail/{one}")["status"] for one in sent)
    assert LimitHold.objects.filter(limit="mail.daily", state="settled").count() == BUDGET
