"""What a page of the list of actions asks of the database and makes of it does not grow with its rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext

from accounts.clock import database_now
from actions.models import Action
from tests.builders import planned
from tests.console.test_trust import browser
from traces.paging import PAGE

# With the session, the person, where they belong, their grants, what the bar counts, and how lists are read.
MOST_STATEMENTS = 19
# Beside the rows: a tool and its connection each, the session, the person and their workspace.
MOST_BESIDE = 11


@pytest.fixture
def fifty(cast) -> int:
    """A page of actions, which one agent and four tools did for one person."""
    now = database_now()
    patterns = list(Action.objects.filter(trace=planned(cast)).values())
    Action.objects.bulk_create(
        Action(**patterns[n % 4] | {"id": f"act_{n:026d}", "created_at": now - timedelta(seconds=n)}) for n in range(60)
    )
    return PAGE


@pytest.fixture
def made():
    """The models that an instance was made of while the test ran."""
    found: list[type[Model]] = []

    def count(sender: type[Model], **kwargs: object) -> None:
        found.append(sender)

    post_init.connect(count)
    yield found
    post_init.disconnect(count)


def test_a_page_joins_nothing_to_its_rows_and_names_what_they_do_together(cast, fifty, made):
    client = browser(cast, "priya")
    client.get("/actions/")
    made.clear()
    with CaptureQueriesContext(connection) as asked:
        page = client.get("/actions/").content.decode()
    assert page.count("data-row") == fifty and "Maya" in page and "desk.refund.create" in page
    assert made.count(Action) <= fifty + 1, "one instance a row, and one that says whether there are more"
    assert len(made) - made.count(Action) <= MOST_BESIDE, made
    assert len(asked) <= MOST_STATEMENTS, [query["sql"][:90] for query in asked]
    read = [query["sql"] for query in asked if 'FROM "actions_action"' in query["sql"]]
    assert read and not [sql for sql in read if "JOIN" in sql]
