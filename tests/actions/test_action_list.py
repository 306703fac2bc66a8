"""The list of actions: the filters of traces asked of each action, pages, export; nothing of another person or tenant (P7)."""

import csv
import io
from datetime import timedelta
from importlib import import_module
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client

from accounts.clock import database_now
from actions import finding
from actions.access import actions_visible_to
from actions.finding import narrowed, walks
from actions.listing import COLUMNS, listing
from actions.models import Action
from actions.stands import STATES
from tests.builders import opened, planned, request_of, vote, work
from traces import ways
from traces.filters import OUTCOMES, Filters
from traces.models import Trace
from traces.paging import LOWEST, PAGE, newest
from traces.show import show

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def trace(cast) -> Trace:
    """Step 1 read an order, 2 refunds (one of two approved), 3 waits with a refused field, 4 is a draft."""
    made = planned(cast)
    vote(cast, request_of(made, "desk.refund.create"), "priya")
    return made


def steps(cast, first="priya", **query) -> list[int]:
    found = narrowed(actions_visible_to(cast.user(first), cast.northwind), cast.northwind, Filters.from_query(query))
    walked = walks(actions_visible_to(cast.user(first), cast.northwind), cast.northwind, Filters.from_query(query))
    asked = sorted(found.values_list("step", flat=True))
    assert sorted(action.step for action in newest(walked, 99)) == asked, query
    shown = listing(cast.user(first), cast.northwind, query)
    assert len(shown.rows) == len(asked) and not shown.searched, query
    return asked


FOUND = [
    ({}, [1, 2, 3, 4]),
    ({"outcome": "completed"}, [1]),
    ({"outcome": "waiting"}, [2, 4]),
    ({"outcome": "running"}, [3]),
    ({"outcome": "denied"}, []),
    ({"outcome": "rolled_back"}, []),
    ({"tool": "desk.refund.create"}, [2]),
    ({"tool": "desk.refund"}, []),
    ({"agent": "refunds-agent"}, [1, 2, 3, 4]),
    ({"agent": "front-desk-agent"}, []),
    ({"record": "acct_5521"}, [3]),
    ({"policy": "support"}, [1, 2, 3, 4]),
    ({"policy": "support@1"}, [1, 2, 3, 4]),
    ({"policy": "support@2"}, []),
    ({"policy": "support@x"}, []),
    ({"rule": "fields.desk.account"}, [3]),
    ({"person": "maya@northwind.example"}, [1, 2, 3, 4]),
    ({"person": "priya nair"}, [2]),
    ({"person": "nobody at all"}, []),
    ({"q": "refunding order"}, [1, 2, 3, 4]),
    ({"q": "something else"}, []),
    ({"from": "2020-01-01"}, [1, 2, 3, 4]),
    ({"to": "2020-01-01"}, []),
    ({"tool": "support", "policy": "support"}, []),
]


def test_filters_ask_each_action(cast, trace):
    assert {str(query): steps(cast, **query) for query, _ in FOUND} == {str(query): wanted for query, wanted in FOUND}


def test_every_state_stands_under_one_outcome():
    listed = [state for states in STATES.values() for state in states]
    assert set(STATES) == set(OUTCOMES) and len(listed) == len(set(listed)) == len(
        Action._meta.get_field("state").choices
    )


def test_p7_members_list_their_own_and_other_tenants_none(cast, trace):
    other = opened(cast, asker="dana")
    Action.objects.filter(trace=trace, step=4).update(trace=other, requester=cast.user("dana"))
    assert steps(cast) == [1, 2, 3, 4] and steps(cast, "maya") == [1, 2, 3] and steps(cast, "omar") == []


def test_pages_go_on_from_the_last_row_in_few_questions(cast, trace, django_assert_max_num_queries):
    one, now = Action.objects.filter(trace=trace, step=1).values().get(), database_now()
    many = [
        one | {"id": f"act_{number:026d}", "created_at": now - timedelta(seconds=number // 2)} for number in range(60)
    ]
    Action.objects.bulk_create(Action(**row) for row in many)
    user, here = cast.user("priya"), cast.northwind
    # Four of them begin and end how a page is read, two name what its rows do; grants are read once a request.
    with django_assert_max_num_queries(18):
        first = listing(user, here, {"outcome": "completed"})
    assert len(first.rows) == PAGE and "outcome=completed" in first.next_url and not first.previous_url
    query = dict(part.split("=") for part in first.next_url.replace("%3A", ":").replace("%7E", "~")[1:].split("&"))
    second = listing(user, here, query)
    assert len(second.rows) == 11 and not {row.id for row in first.rows} & {row.id for row in second.rows}


def get(cast, first, path):
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client.get(path)


def test_the_page_says_what_each_did_and_leads_to_its_step(cast, trace):
    page = get(cast, "priya", "/actions/").content.decode()
    assert f"/traces/{trace.pk}/?show=all#step-2" in page and "Refund $240.00 on order 48213" in page
    assert "ap@birch.example" not in page and "no wait" in page
    assert "No actions match 1 filter." in get(cast, "priya", "/actions/?tool=none").content.decode()
    assert "List actions" in get(cast, "priya", "/traces/?tool=desk.refund.create").content.decode()


def test_the_export_holds_what_matches_and_no_sensitive_value(cast, trace):
    text = get(cast, "ava", "/actions/export/?format=csv&tool=desk.mail.send").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == COLUMNS and [row["tool"] for row in rows] == ["desk.mail.send"] and "@birch" not in text
    whole = get(cast, "ava", "/actions/export/?format=json&policy=support@1").json()
    assert len(whole["actions"]) == 4 and whole["filters"] == {"policy": "support@1"}
    assert get(cast, "ava", "/actions/export/?from=yesterday").status_code == 422


def test_a_trace_knows_how_long_people_were_waited_for(cast, trace):
    def stored() -> int:
        return Trace.objects.values_list("waited_s", flat=True).get(pk=trace.pk)

    waiting = get(cast, "priya", "/traces/").content.decode()
    assert stored() == 0 and "no wait" not in waiting  # It still waits: the list counts until now.
    vote(cast, request_of(trace, "desk.refund.create"), "tomas", reason="Duplicate confirmed.")
    work(trace)
    vote(cast, request_of(trace, "desk.mail.send"), "maya")
    work(trace)
    assert stored() == int(show(trace, tab="")[0].waited_s)


def test_older_traces_learn_it_from_their_entries(cast, trace):
    vote(cast, request_of(trace, "desk.refund.create"), "tomas", reason="Duplicate confirmed.")
    written = Trace.objects.values_list("waited_s", flat=True).get(pk=trace.pk)
    assert written >= 0
    Trace.objects.update(waited_s=4321)
    with connection.cursor() as cursor:
        cursor.execute(import_module("traces.migrations.0012_waited_of_older_traces").FILL)
    assert Trace.objects.values_list("waited_s", flat=True).get(pk=trace.pk) == written


@pytest.fixture
def forty(cast, trace) -> list[str]:
    """Ids of actions, newest first, of forty traces with a word in their titles, between as many of others without."""
    one, now = Action.objects.filter(trace=trace, step=1).values().get(), database_now()
    times = [now - timedelta(seconds=number // 3) for number in range(80)]
    of = Trace.objects.bulk_create(
        Trace(
            workspace=cast.northwind, agent=cast.agent, on_behalf_of=cast.user("maya"), created_at=at,
            updated_at=at + timedelta(seconds=number % 7), title="Moved account" if number % 2 else "Read account",
        )
        for number, at in enumerate(times)
    )  # fmt: skip
    made = Action.objects.bulk_create(
        Action(**one | {"id": f"act_{number:026d}", "trace_id": of[number].pk, "created_at": at})
        for number, at in enumerate(times)
    )
    words = [action for number, action in enumerate(made) if number % 2]
    return [action.pk for action in sorted(words, key=lambda action: (action.created_at, action.pk), reverse=True)]


@pytest.mark.parametrize("most, common", [(3, 10**6), (1000, 10**6), (1000, -1)])
def test_pages_of_words_show_every_action_once_in_order(cast, forty, monkeypatch, most, common):
    monkeypatch.setattr(finding, "MOST_TRACES", most)
    monkeypatch.setattr(finding, "REACH_OF_WORDS", 7)
    monkeypatch.setattr(ways, "COMMON_WORDS", common)
    for link, start in (("next_url", {}), ("previous_url", {"before": f"2020-01-01T00:00:00.000000Z~{LOWEST}"})):
        found, query = [], {"q": "moved"} | start
        for _ in range(99):
            page = listing(cast.user("priya"), cast.northwind, query)
            found.append([row.id for row in page.rows])
            if not getattr(page, link):
                break
            query = dict(parse_qsl(getattr(page, link)[1:]))
        in_order = found if link == "next_url" else found[::-1]
        assert [action for some in in_order for action in some] == forty and not page.searched
        assert len(found) == 1 or (most, common) != (1000, 10**6)


def test_no_action_stands_outside_its_traces_entries(cast, trace):
    vote(cast, request_of(trace, "desk.refund.create"), "tomas", reason="Duplicate confirmed.")
    work(trace)
    moved = Trace.objects.get(pk=trace.pk)
    times = list(Action.objects.filter(trace=trace).values_list("created_at", flat=True))
    assert len(times) == 4 and all(moved.created_at <= at <= moved.updated_at for at in times)
