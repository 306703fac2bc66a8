"""Trust and Home: each number against rows made by the product's own services, and the rows behind it."""

import copy
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.clock import database_now
from accounts.display.marks import Stack, scale, stacked
from actions.models import Tool, ToolVersion
from approvals.questions import ask_for_changes
from console.home import needs
from console.trust import coverage
from console.trust.behind import rows_of
from console.trust.measures import broken_by, families
from console.trust.outcomes import by_agent, outcomes
from console.trust.spans import Span
from console.trust.whose import Whose
from policies.models import BreakerTrip, DecisionRecord
from tests.builders import planned, publish, request_of, sample_plain, vote, work
from traces.services import note_opening, record_answer, summarise

BACKEND = "django.contrib.auth.backends.ModelBackend"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def browser(cast, first: str) -> Client:
    client = Client()
    client.force_login(cast.user(first), backend=BACKEND)
    return client


@pytest.fixture
def span(cast):
    return lambda days="14": Span.up_to(database_now() + timedelta(seconds=5), days)


def by_key(cast, span) -> dict:
    return {one.key: one for one in families(Whose(cast.northwind), span())}


def test_spans_of_one_length_follow_each_other():
    span = Span.up_to(NOW, "7")
    assert span.before.end == span.start and span.end - span.start == span.before.end - span.before.start
    assert Span.up_to(NOW, "x") == Span.up_to(NOW, "14") and len(span.days) == 8
    assert span.by_day([NOW, NOW, NOW - timedelta(days=30)]) == [0] * 7 + [2]


def test_an_empty_workspace_has_no_invented_numbers(cast, span):
    found = by_key(cast, span)
    assert [one.number for one in found.values()] == [
        "none yet",
        "none yet",
        "0",
        "0",
    ]
    assert found["rollbacks"].quality == "None to judge"
    assert outcomes(cast.northwind, span()).total == 0


def test_views_and_answers_are_counted_once_a_trace(cast, span):
    seen, unseen = planned(cast), planned(cast)
    for trace in (seen, unseen):
        summarise(trace_id=trace.pk, title="Done", outcome="completed")
    for first in ("ava", "ava", "dana"):
        note_opening(user=cast.user(first), trace=seen)
    for first, answer in (("ava", "yes"), ("dana", "no")):
        record_answer(actor=cast.actor(first), trace_id=seen.pk, answer=answer, line="")
    found = by_key(cast, span)["viewed"]
    assert found.number == "50.0 %" and found.quality.startswith("50.0 % of 2 answers")
    _, rows = rows_of("viewed", Whose(cast.northwind), span(), None)
    assert {row.note for row in rows} == {
        "opened by Ava Lind, Dana Ortiz",
        "not opened",
    }


def test_each_answer_stands_behind_the_answered_rate_with_its_reason(cast):
    trace = planned(cast)
    for first, answer, line in (("ava", "yes", ""), ("dana", "no", ""), ("dana", "no", "Which order was it?")):
        record_answer(actor=cast.actor(first), trace_id=trace.pk, answer=answer, line=line)
    assert 'href="/trust/answers/?days=14"' in browser(cast, "ava").get("/trust/").content.decode()
    page = browser(cast, "ava").get("/trust/answers/").content.decode()
    assert "Dana Ortiz: no, “Which order was it?”" in page and "Ava Lind: yes" in page and trace.pk in page
    assert page.count("Dana Ortiz") == 1, "Her last word alone counts, so it alone is a row."


def test_each_number_of_a_scorecard_leads_to_as_many_rows(cast, span):
    planned(cast)
    page = browser(cast, "ava").get(f"/trust/agents/{cast.agent.pk}/").content.decode()
    scored = by_agent(cast.northwind, span())[cast.agent.pk]
    assert [words for _, words, _ in scored][:3] == ["Actions", "Escalated", "Denied"]
    for key, _, count in scored:
        assert len(rows_of(key, Whose(cast.northwind, cast.agent), span(), None)[1]) == count, key
        assert (f'href="/trust/{key}/?days=14&amp;agent={cast.agent.pk}"' in page) == bool(count), key
    assert {key: count for key, _, count in scored}["all"] == DecisionRecord.objects.count() > 0


def test_opening_a_trace_page_is_a_view(cast):
    trace = planned(cast)
    browser(cast, "ava").get(f"/traces/{trace.pk}/")
    assert trace.openings.get().user == cast.user("ava")


def test_escalations_are_requests_over_actions_and_say_how_long_people_took(cast, span):
    trace = planned(cast)
    asked = trace.actions.filter(state="pending").count()
    found = by_key(cast, span)["escalations"]
    assert found.number == f"{100 * asked / trace.actions.count():.1f} %" and found.quality == "Nobody has decided yet"
    vote(cast, request_of(trace, "desk.refund.create"), "priya")
    vote(cast, request_of(trace, "desk.refund.create"), "tomas")
    work(trace)
    quality = by_key(cast, span)["escalations"].quality
    assert quality.startswith("Median decision in") and "unclear" not in quality
    assert len(rows_of("escalations", Whose(cast.northwind), span(), None)[1]) == asked


def test_what_was_sent_back_as_unclear_is_counted(cast, span):
    asked = request_of(planned(cast), "desk.refund.create")
    ask_for_changes(
        actor=cast.actor("priya"), user=cast.user("priya"), request_id=asked.pk, text="Which of the two charges is it?",
        digest=asked.digest,
    )  # fmt: skip
    assert by_key(cast, span)["escalations"].quality.endswith("1 of 2 sent back as unclear")


def test_a_tightening_that_denies_what_worked_broke_something(cast, span):
    plain = sample_plain()  # Once: a waiver of the next minute would hold longer, which loosens.
    publish(cast, plain)
    planned(cast)  # The order is read at once, so the tool worked.
    DecisionRecord.objects.filter(tool="desk.order.get").update(outcome="succeeded")
    plain["roles"]["refunds"]["tools"]["desk.order.get"] = {"mode": "off"}
    version = publish(cast, plain)
    assert version.verdict == "tightens" and broken_by(version, Whose(cast.northwind)) == []
    planned(cast)
    assert broken_by(version, Whose(cast.northwind)) == [(cast.agent.pk, "desk.order.get")]
    found = by_key(cast, span)["tightenings"]
    assert found.number == "1" and found.quality == "1 broke work that ran before"
    assert "refunds-agent lost desk.order.get" in rows_of("tightenings", Whose(cast.northwind), span(), None)[1][0].note


def test_the_day_that_stands_out_is_named_with_its_rule(cast, span):
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"]["desk.refund.create"] = {"mode": "off"}
    publish(cast, plain)
    for _ in range(3):
        planned(cast)
    odd = outcomes(cast.northwind, span()).anomaly
    assert odd is not None and odd.count >= 3 and odd.of_rule >= 3 and odd.rule
    assert len(rows_of("denied", Whose(cast.northwind), span(), odd.day)[1]) == odd.count
    assert "See the" in browser(cast, "ava").get("/trust/").content.decode()


def test_coverage_names_tools_no_role_speaks_of_and_who_asked_for_less(cast, span):
    whole = sample_plain()
    publish(cast, whole)
    before = len(coverage.lowered(cast.northwind, span()))
    plain = copy.deepcopy(whole)
    for role in plain["roles"].values():
        role["tools"].pop("desk.mail.send", None)
    publish(cast, plain)
    assert [gap.what for gap in coverage.without_policy(cast.northwind)] == ["desk.mail.send"]
    assert len(coverage.lowered(cast.northwind, span())) == before
    publish(cast, whole)
    newest = coverage.lowered(cast.northwind, span())[0]
    assert newest.what.endswith(("loosens", "mixed")) and newest.who == "Remit tests"


def test_home_shows_the_first_five_and_all_of_them_when_asked(cast):
    for n in range(6):
        BreakerTrip.objects.create(
            workspace=cast.northwind, policy="support", breaker=f"fails{n}", key=f"fails{n}:workspace:all",
            reason="6 failures.", tripped_at=database_now(),
        )  # fmt: skip
    page = browser(cast, "priya").get("/").content.decode()
    assert page.count("Circuit breaker fails") == 10 and "show all 6" in page  # Each line says its title twice.
    assert browser(cast, "priya").get("/?all=1").content.decode().count("Circuit breaker fails") == 12


def test_home_puts_breakers_and_changed_tools_before_approvals(cast):
    planned(cast)
    BreakerTrip.objects.create(
        workspace=cast.northwind, policy="support", breaker="fails", key="fails:workspace:all", reason="6 failures.",
        tripped_at=database_now(),
    )  # fmt: skip
    tool = Tool.objects.get(workspace=cast.northwind, name="desk.order.get")
    ToolVersion.objects.create(
        tool=tool, connection=tool.connection, definition_text=tool.definition_text, digest="sha256:x", state="waiting",
        loaded_at=database_now(), loaded_by={"name": "Remit setup"},
    )  # fmt: skip
    assert [row.title.split()[0] for row in needs(cast.user("priya"), cast.northwind)][:2] == ["Circuit", "Refund"]
    assert needs(cast.user("ken"), cast.northwind)[0].title == "The definition of desk.order.get changed"
    assert "things need you" in browser(cast, "priya").get("/").content.decode()
    assert "Nothing needs you" in browser(cast, "ava").get("/").content.decode()


def test_bars_stand_on_each_other_within_the_picture():
    drawn = str(stacked([Stack("a", [("auto", 3), ("denied", 1)]), Stack("b", [("auto", 0)])], "<b>"))
    assert 'y="25.0" width="12" height="75.0"' in drawn and 'y="0.0" width="12" height="25.0"' in drawn
    assert drawn.count("<rect") == 2 and "&lt;b&gt;" in drawn
    assert "<span>4</span><span>2</span><span>0</span>" in drawn and drawn.count("<line") == 3


@pytest.mark.parametrize(("most", "end"), [(0, 2), (1, 2), (5, 6), (11, 20), (99, 100), (200, 200), (201, 400)])
def test_an_axis_ends_at_a_round_number_with_a_whole_one_in_its_middle(most, end):
    assert scale(most) == end


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_outside_the_period_has_no_rows(cast, day):
    page = browser(cast, "ava").get(f"/trust/escalations/?day={day}")
    assert page.status_code == 200 and "None in this time" in page.content.decode()


@pytest.mark.parametrize("path", ["/trust/nothing/", "/trust/viewed/?day=yesterday"])
def test_unknown_numbers_and_days_are_not_there(cast, path):
    assert browser(cast, "ava").get(path).status_code == 404
