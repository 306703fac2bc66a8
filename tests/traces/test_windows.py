"""Calls that name no trace: two at once belong to one, also where the first of them has just begun another."""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction

from accounts.clock import database_now
from tests.faults.test_last_look import until
from tests.faults.test_revocations import waiting
from traces.models import CallWindow, Trace
from traces.windows import trace_of_call


def called(cast) -> Trace:
    return trace_of_call(actor=cast.agent_actor, agent=cast.agent, person=cast.user("maya"), intent="")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", ["nothing", "a silence", "at work"])
def test_two_calls_at_once_open_one_trace(cast, before):
    first = called(cast) if before != "nothing" else None
    if before == "a silence":
        CallWindow.objects.update(last_call_at=database_now() - timedelta(days=1))
    found: list[Trace] = []

    def second() -> None:
        try:
            found.append(called(cast))
        finally:
            connections.close_all()

    other = threading.Thread(target=second)
    with transaction.atomic():
        mine = called(cast)
        other.start()
        until(lambda: waiting("traces_callwindow"), "The second call did not wait for the first.")
    other.join()
    row = CallWindow.objects.get()
    assert found == [mine] and (mine == first) == (before == "at work")
    assert (row.trace_id, row.calls) == (mine.pk, 3 if before == "at work" else 2)
