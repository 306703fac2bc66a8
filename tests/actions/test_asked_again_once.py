"""A stopped step is tried again once, by its plan or alone: whoever comes second is told so (F-07)."""

import threading
import time

from django.db import connection, connections, transaction

from actions.models import Action
from actions.replan import ReplanRefused, replan
from actions.resume import ResumeRefused, resume
from tests.actions.test_drift import REFUND, approved, reworded
from tests.builders import action, work
from traces.ledger import verify
from traces.models import Trace

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # Else a transaction sees what it saw first.
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def test_of_asking_for_a_step_again_and_resuming_its_plan_at_once_one_is_refused(transactional_db, cast):
    trace = approved(cast)
    reworded(cast)
    work(trace)
    plan, stale, ended = trace.plans.get(), action(trace, REFUND), []

    def asking(ask) -> threading.Thread:
        def attempt() -> None:
            try:
                ask()
                ended.append("made")
            except (ResumeRefused, ReplanRefused) as error:
                ended.append(str(error))
            except Exception as error:
                ended.append(repr(error))
            finally:
                connections.close_all()

        return threading.Thread(target=attempt)

    threads = [
        asking(lambda: replan(actor=cast.actor("maya"), user=cast.user("maya"), action=stale)),
        asking(lambda: resume(actor=cast.actor("priya"), plan=plan)),
    ]
    with transaction.atomic():  # Both come as far as they get while somebody else writes to the ledger.
        Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        for thread in threads:
            thread.start()
        until = time.monotonic() + 20
        while waiting() < len(threads):
            assert time.monotonic() < until
            time.sleep(0.05)
    for thread in threads:
        thread.join()
    refused = [said for said in ended if said != "made"]
    assert ended.count("made") == 1 and len(refused) == 1
    assert "asked for again already" in refused[0]
    assert Action.objects.filter(replan_of=stale).count() == 1 and verify(trace).ok
