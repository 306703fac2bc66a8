"""What a dispatch asks of an action is read at once, in statements that PostgreSQL plans quickly."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from actions.execution.recheck import read_now
from tests.builders import action, planned

# Every order of joining so many tables is weighed in half a millisecond; each table more doubles that.
MOST_JOINS = 4


def test_no_statement_joins_many_tables_and_nothing_is_read_later(cast):
    made = action(planned(cast), "desk.refund.create")
    with CaptureQueriesContext(connection) as read:
        found = read_now(made.pk)
    assert max(one["sql"].count(" JOIN ") for one in read) <= MOST_JOINS
    with CaptureQueriesContext(connection) as later:
        told = (
            found.tool.connection.slug,
            found.agent.slug,
            found.requester.email,
        )
        assert (found.acting_user, found.person_token) == (None, None)
    assert told == ("desk", cast.agent.slug, "maya@northwind.example") and not list(later)
