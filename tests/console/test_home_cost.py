"""What Home asks the database does not grow with what waits."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.builders import planned

MOST = 85


def asked(cast, first: str) -> int:
    client = Client()
    client.force_login(cast.user(first), backend="django.contrib.auth.backends.ModelBackend")
    client.get("/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/").status_code == 200
    return len(queries)


def test_home_asks_as_often_however_much_waits(cast):
    planned(cast)
    people = ("dana", "ken", "priya", "tomas", "maya", "ava")
    before = {first: asked(cast, first) for first in people}
    for _ in range(4):
        planned(cast)
    assert {first: asked(cast, first) for first in people} == before
    assert max(before.values()) < MOST, before
