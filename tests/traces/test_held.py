"""A trace that is held once takes several entries; a chain goes on only where it ends (R-41)."""

import pytest
from django.db import transaction

from accounts.clock import database_now
from tests.builders import opened
from traces.ledger import append, held_trace, verify
from traces.models import Entry, Trace

BODY = {"title": "Refused", "detail": "It was not well formed.", "problems": []}


def refused(cast, trace, held=None) -> Entry:
    return append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.refused", body=BODY, held=held)


def test_several_entries_of_one_transaction_follow_each_other(cast):
    trace, before = opened(cast), database_now()
    with transaction.atomic():
        held = held_trace(trace.pk)
        made = [refused(cast, trace, held) for _ in range(3)]
        made.append(refused(cast, trace))
    assert [entry.seq for entry in made] == [2, 3, 4, 5] and verify(Trace.objects.get(pk=trace.pk)).ok
    times = [entry.at for entry in made]
    assert times == sorted(times) and before < times[0] and times[-1] < database_now()


def test_r41_nothing_is_written_behind_an_end_that_is_none(cast):
    """INVARIANT of traces.ledger: a writer that was told another end writes nothing."""
    trace = opened(cast)
    with transaction.atomic():
        held = held_trace(trace.pk)
        refused(cast, trace)
        with pytest.raises(RuntimeError, match="does not end at record 1"):
            refused(cast, trace, held)
    assert Entry.objects.filter(trace=trace).count() == 2 and verify(Trace.objects.get(pk=trace.pk)).ok


def test_r41_an_end_of_a_savepoint_that_was_taken_back_is_none(cast):
    trace = opened(cast)
    with transaction.atomic():
        held = held_trace(trace.pk)
        with transaction.atomic():
            refused(cast, trace, held)
            transaction.set_rollback(True)
        with pytest.raises(RuntimeError, match="does not end at record 2"):
            refused(cast, trace, held)
        refused(cast, trace)
    assert Entry.objects.filter(trace=trace).count() == 2 and verify(Trace.objects.get(pk=trace.pk)).ok


def test_an_end_is_of_its_own_trace_alone(cast):
    one, other = opened(cast), opened(cast)
    with transaction.atomic():
        held = held_trace(one.pk)
        with pytest.raises(RuntimeError, match="The trace that is held"):
            refused(cast, other, held)
