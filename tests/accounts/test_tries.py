"""Wrong passwords stand in the ledger, counted: strangers can't lengthen it as they like, nor learn whose account exists."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import SignInTries
from accounts.tries import WINDOW, note_failure
from traces.audit.listing import Filters, audit_log
from traces.models import Entry

AVA, NOBODY = "ava@northwind.example", "nobody@northwind.example"


def tried(email: str = AVA, password: str = ""):
    password = password or "not this one, surely"
    return Client(REMOTE_ADDR="203.0.113.9").post("/sign-in/", {"email": email, "password": password})


def told() -> list[tuple[int, int]]:
    bodies = [entry.record["body"] for entry in Entry.objects.filter(type="sign_in.failed").order_by("pk")]
    return [(body["tries"], body["untold_before"]) for body in bodies]


def test_a_wrong_password_is_a_line_of_the_audit_log_with_its_address_kept_apart(people):
    answer = tried()
    act = audit_log(people.user("ava"), people.northwind, Filters.from_query({"did": "sign_in"})).acts[0]
    assert answer.status_code == 422 and act.type == "sign_in.failed"
    assert (act.who, act.target, act.address) == ("Somebody not signed in", "Ava Lind", "203.0.113.9")
    entry = Entry.objects.get(pk=act.id)
    assert "203.0.113.9" not in entry.canonical and "surely" not in entry.canonical


def test_a_flood_leaves_an_entry_for_each_power_of_ten(people):
    for _ in range(123):
        note_failure(AVA)
    assert told() == [(1, 0), (10, 0), (100, 0)]
    SignInTries.objects.update(since=F("since") - WINDOW)
    note_failure(AVA)
    assert told()[-1] == (1, 23)
    SignInTries.objects.update(since=F("since") - WINDOW + timedelta(minutes=1))
    note_failure(AVA)
    assert len(told()) == 4


def test_nobodys_address_leaves_no_entry_and_asks_as_much(people):
    asked = []
    for email in (AVA, AVA, NOBODY, NOBODY):
        with CaptureQueriesContext(connection) as seen:
            note_failure(email)
        asked.append(len(seen))
    assert told() == [(1, 0)] and asked[1] == asked[3]


@pytest.mark.parametrize("email", ["Ava@Northwind.Example", AVA])
def test_a_right_password_is_no_failure(people, email):
    assert tried(email, "a long enough password").status_code == 302
    assert told() == [] and not SignInTries.objects.exists()
