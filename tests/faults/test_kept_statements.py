"""The same cuts where connections are kept and statements prepared, as in the web process (F2, F12)."""

import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from accounts.kept_statements import planned_once
from actions.models import Action
from actions.tasks import run_action
from tests.faults.campaign import authorized
from tests.faults.test_cut_database import judged
from tests.faults.wired import over_the_wire, spread
from traces.checkpoints.clock import tick

POOL = {"min_size": 1, "max_size": 2, "timeout": 3.0, "reconnect_timeout": 1.0}


def kept(pk: str, before: int = 0) -> None:
    """Run an action on a kept connection; `before` other statements of a kind were asked there first."""
    connection.settings_dict["OPTIONS"] |= {"pool": POOL}
    with planned_once():
        for number in range(before):
            Action.objects.filter(pk=f"no {number}").exists()
        run_action(pk)


def test_the_wire_counts_what_is_executed_whichever_way_it_is_sent(shop, remote):
    first, second, third, fourth = (authorized(shop, "b").pk for _ in range(4))
    run_action(first)
    plain = over_the_wire(lambda: run_action(second))
    few, many = over_the_wire(lambda: kept(third)), over_the_wire(lambda: kept(fourth, 50))
    assert few.commits == plain.commits and few.statements >= plain.statements
    assert many.statements == few.statements + 50, "A statement prepared long ago is executed each time it is bound."


@pytest.mark.parametrize("how", ["before", "after", "commit"])
def test_f12_cut_while_statements_are_prepared(shop, remote, how, count):
    first, second = authorized(shop, "b"), authorized(shop, "b")
    run_action(first.pk)  # The first run of all asks more than the next ones.
    whole = over_the_wire(lambda: kept(second.pk))
    actions = [first, second]
    for at in spread(count, whole.commits if how == "commit" else whole.statements):
        tick()
        found = authorized(shop, "b")
        passed = over_the_wire(lambda pk=found.pk: kept(pk), how, at)
        # The next ones may have no need of some statements, so a point may lie behind the end.
        assert passed.harmed or at > passed.statements, f"{how} at {at} harmed nothing."
        actions.append(found)
    judged(actions, remote, f"cut {how} while statements are prepared")


@pytest.fixture
def pooled(transactional_db):
    """Connections are kept, in this test alone."""
    was = connection.settings_dict["OPTIONS"]
    connection.close()
    connection.settings_dict["OPTIONS"] = {**was, "pool": POOL}
    yield
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"] = was


def test_a_statement_is_planned_once_a_connection(pooled):
    with planned_once(), connection.cursor() as cursor:
        for number in range(3):
            cursor.execute("SELECT id FROM actions_action WHERE id = %s", [f"no {number}"])
        cursor.execute("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%id = $1'")
        assert cursor.fetchall() == [(3, 0)]


def test_what_asks_next_on_the_connection_is_not_concerned(pooled):
    with planned_once():
        session = connection.connection
        within = type(connection.cursor().cursor).__name__
    assert within == "ServerBindingCursor" and type(connection.cursor().cursor).__name__ == "Cursor"
    assert session.prepare_threshold is None and isinstance(connection.pool, ConnectionPool)
