"""The incident page: all traces of a window, agent or record in the sentences of their briefs, worst first."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from accounts.clock import database_now
from accounts.models import Agent
from tests.actions.test_story import finished
from tests.builders import opened, planned, request_of, vote
from tests.traces.ledgers import attacker
from traces.filters import Filters
from traces.models import Entry
from traces.services import record_answer
from traces.tabular import csv_text

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def night(cast):
    """A refund that completed with a field refused, and a trace of Dana's that only began."""
    return finished(cast), opened(cast, asker="dana", intent="Look at something.")


def asked(cast, first, query="", path="/incident/"):
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client.get(path + query)


def test_what_agents_did_to_one_record_is_one_page(cast, night):
    done, other = night
    html = asked(cast, "priya", "?record=acct_5521").content.decode()
    assert '<h1 tabindex="-1">1 trace touching acct_5521: 1 completed</h1>' in html
    for sentence in (
        "refund_status was none, is refunded",
        "was approved by Priya Nair and Tomás Ruiz",
        "roll it back",
    ):
        assert escape(sentence) in html, sentence
    assert f'id="{done.pk}"' in html and other.pk not in html and "ap@birch.example" not in html


def test_a_window_has_every_trace_in_which_something_was_done(cast):
    before, idle = planned(cast), opened(cast, intent="Begun in the day.")
    night = database_now()
    vote(cast, request_of(before, "desk.refund.create"), "priya")
    with transaction.atomic():
        record_answer(actor=cast.actor("dana"), trace_id=idle.pk, answer="yes", line="")
    html = asked(cast, "priya", f"?from={night:%Y-%m-%dT%H:%M:%S.%f}").content.decode()
    assert "1 trace: 1 waiting" in html and before.pk in html and idle.pk not in html
    html = asked(cast, "priya", f"?to={night:%Y-%m-%dT%H:%M:%S.%f}").content.decode()
    assert before.pk in html and idle.pk in html


def test_page_and_list_of_one_window_say_what_each_counts_and_lead_to_the_other(cast):
    before = planned(cast)
    night = database_now()
    vote(cast, request_of(before, "desk.refund.create"), "priya")
    window = f"?outcome=waiting&from={night:%Y-%m-%dT%H}%3A{night:%M}%3A{night:%S.%f}"
    page = asked(cast, "priya", window).content.decode()
    assert "1 trace: 1 waiting" in page and "in which something was done within the window" in page
    link = unescape(re.search(r'<a href="([^"]+)">List those that began in it', page)[1])
    assert link == f"/traces/{window}"
    listed = asked(cast, "priya", link.removeprefix("/traces/"), "/traces/").content.decode()
    assert "Counted are traces that began within the window." in listed and before.pk not in listed
    assert unescape(re.search(r'<a href="([^"]+)">Tell those in which', listed)[1]) == f"/incident/{window}"
    assert "Counted are" not in asked(cast, "priya", "?outcome=waiting", "/traces/").content.decode()


def test_what_to_do_now_is_done_from_here_by_who_may(cast, night):
    done, _ = night
    set_agent_details(cast)
    html = asked(cast, "priya", "?record=acct_5521").content.decode()
    undo, pause = f'href="/traces/{done.pk}/roll-back/"', f'href="/pause/?what=agent:{cast.agent.pk}"'
    runbook = 'href="https://runbooks.example/refunds"'
    assert undo in html and pause in html and runbook in html
    for_ava = asked(cast, "ava", "?record=acct_5521").content.decode()
    assert undo not in for_ava and pause not in for_ava and runbook in for_ava


def test_what_waits_is_reviewed_from_here(cast):
    trace = planned(cast)
    html = asked(cast, "priya", "?record=acct_5521").content.decode()
    assert f'<a href="/approvals/{request_of(trace, "desk.refund.create").pk}/">Review</a>' in html


def set_agent_details(cast):
    Agent.objects.filter(pk=cast.agent.pk).update(runbook_url="https://runbooks.example/refunds")


def test_no_choice_is_the_last_day_and_says_so_in_the_address(cast, night):
    answer = asked(cast, "priya")
    assert answer.status_code == 302 and answer["Location"].startswith("/incident/?from=20")
    html = asked(cast, "priya", answer["Location"].removeprefix("/incident/")).content.decode()
    assert "2 traces: 1 running, 1 completed" in html
    assert html.index(night[1].pk) < html.index(night[0].pk)  # Worst first.


def test_members_see_their_own_and_how_many_are_hidden(cast, night):
    html = asked(cast, "maya", "?agent=refunds-agent").content.decode()
    assert "1 trace by refunds-agent" in html and night[1].pk not in html
    assert "1 more trace matches, asked for by other people and hidden from you" in html
    assert "hidden from you" not in asked(cast, "priya", "?agent=refunds-agent").content.decode()


def test_p7_another_tenant_finds_nothing_and_counts_nothing(cast, night):
    html = asked(cast, "omar", "?record=acct_5521").content.decode()
    assert "No traces match 1 filter." in html and "hidden from you" not in html


def test_r40_trace_whose_ledger_does_not_hold_says_so_first(cast, night):
    with attacker() as cursor:
        cursor.execute(
            "UPDATE traces_entry SET canonical = canonical || ' ' WHERE trace_id = %s AND seq = 3", [night[0].pk]
        )
    html = asked(cast, "priya", "?record=acct_5521").content.decode()
    assert "The ledger of this trace does not hold. Record 3 was changed" in html


def test_a_page_takes_as_many_queries_for_many_traces_as_for_one(cast, night):
    def queries():
        with CaptureQueriesContext(connection) as found:
            asked(cast, "priya", "?agent=refunds-agent")
        return len(found)

    few = queries()
    for number in range(5):
        opened(cast, intent=f"Look {number}.")
    assert queries() == few


def test_exports_say_what_the_page_says(cast, night):
    found = json.loads(asked(cast, "ava", "?record=acct_5521&format=json", "/incident/export/").content)
    assert found["schema"] == "remit.incident/1" and found["filters"] == {"record": "acct_5521"}
    assert found["traces"][0]["ledger"]["holds"] and found["traces"][0]["brief"][0]["question"] == "Who asked"
    text = asked(cast, "ava", "?record=acct_5521&format=csv", "/incident/export/").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    refused = next(row for row in rows if row["field"] == "credit_limit")
    assert (refused["kind"], refused["before"], refused["denied"]) == ("kept_denied", "5000.00", "12000.00")
    assert "[withheld: email]" in text and "ap@birch.example" not in text + json.dumps(found)


def test_until_a_day_means_all_of_that_day(cast, night):
    day = f"{database_now():%Y-%m-%d}"
    for path in ("/incident/", "/traces/", "/actions/"):
        html = asked(cast, "priya", f"?from={day}&to={day}", path).content.decode()
        assert night[0].pk in html and "lies before" not in html, path
    assert "match 1 filter" in asked(cast, "priya", "?to=2020-01-01", "/incident/").content.decode()


def test_an_offset_typed_into_the_address_is_an_offset(cast, night):
    """In the night of 29 March 2026 Berlin has no 02:30: the offset alone says when."""
    late = f"{database_now() + timedelta(hours=3):%Y-%m-%dT%H:%M}"
    html = asked(cast, "priya", f"?from={late}+05:00").content.decode()
    assert "is no time" not in html and night[0].pk in html
    assert night[0].pk not in asked(cast, "priya", f"?from={late}%2B02:00").content.decode()
    spring = Filters.from_query({"from": "2026-03-29T02:30 01:00", "to": "2026-03-29T02:30+01:00"})
    assert spring.begins == spring.ends == datetime(2026, 3, 29, 1, 30, tzinfo=UTC) and not spring.problems


def test_a_page_that_is_no_more_is_the_last_one(cast, night):
    html = asked(cast, "priya", "?record=acct_5521&page=99").content.decode()
    assert night[0].pk in html and "No traces match" not in html


@pytest.mark.parametrize(
    ("path", "of", "form"),
    [
        ("/incident/export/?record=acct_5521&format=csv", "incident", "CSV"),
        ("/actions/export/?tool=desk.order.get&format=json", "actions", "JSON"),
        ("/traces/{trace}/export/", "trace", "bundle"),
        ("/traces/{trace}/outline/", "trace", "redacted bundle"),
        ("/traces/{trace}/changes.csv", "trace", "changes as CSV"),
    ],
)
def test_each_export_is_a_line_of_the_audit_log(cast, night, path, of, form):
    assert asked(cast, "ava", "", path.format(trace=night[0].pk)).status_code == 200
    (act,) = [entry.record for entry in Entry.objects.filter(type="export.made")]
    assert (act["actor"]["name"], act["body"]["of"], act["body"]["form"]) == ("Ava Lind", of, form)
    assert act["body"].get("trace", night[0].pk) == night[0].pk and "request" in act["body"]["origin"]
    assert "Traces, actions or changes exported" in asked(cast, "ava", "?did=export", "/audit/").content.decode()
    asked(cast, "maya", "", path.format(trace=night[0].pk))
    assert Entry.objects.filter(type="export.made").count() == 1, "What was refused left nothing."


def test_export_of_a_window_that_is_no_time_is_refused_with_the_remedy(cast):
    answer = asked(cast, "ava", "?from=yesterday", "/incident/export/")
    assert answer.status_code == 422 and "Write it as 2026-11-21T02:00" in answer.json()["problems"][0]


def test_a_value_with_parts_is_no_python_text_in_a_cell():
    hidden = {"$withheld": "email", "commitment": "c0ffee"}
    text = csv_text([[["vip", hidden], {"late": True, "to": hidden}, True, None]], ["a", "b", "c", "d"])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row == {
        "a": "vip, [withheld: email]",
        "b": '{"late": true, "to": "[withheld: email]"}',
        "c": "true",
        "d": "",
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(text):
    assert csv_text([[text]]).splitlines()[1].lstrip('"').startswith("'")
