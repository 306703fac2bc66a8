"""The four numbers against data made by hand: each is worked out here on paper, for all agents and for one."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.clock import database_now
from accounts.models import Agent
from accounts.services import register_agent
from actions.models import Action, Rollback
from approvals.models import ApprovalRequest
from console.trust.behind import MOST, rows_of
from console.trust.measures import families
from console.trust.spans import Span
from console.trust.whose import Whose
from policies.models import DecisionRecord
from tests.actions.test_story import finished
from tests.builders import planned, publish, request_of, sample_plain
from traces.models import Trace
from traces.services import record_answer

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def span(cast):
    return Span.up_to(database_now() + timedelta(hours=1), "14")


@pytest.fixture
def other(cast) -> Agent:
    """A second agent of the same policy, which does nothing."""
    return register_agent(
        actor=cast.actor("dana"), workspace=cast.northwind, slug="idle", name="idle-agent", owner=cast.user("dana"),
        policy="support", role="refunds", runbook_url="",
    )  # fmt: skip


def number(cast, span, key: str, agent: Agent | None = None):
    return next(one for one in families(Whose(cast.northwind, agent), span) if one.key == key)


def settle(state: str, waits_s: list[int]) -> None:
    """The requests there are, settled after so many seconds each."""
    for request, wait_s in zip(ApprovalRequest.objects.order_by("created_at"), waits_s, strict=True):
        at = request.created_at + timedelta(seconds=wait_s)
        ApprovalRequest.objects.filter(pk=request.pk).update(state=state, settled_at=at)


def test_nobody_waited_longer_than_the_slowest_tenth_says(cast, span):
    planned(cast)
    settle("approved", [600, 1200])
    # Between 600 and 1,200 s: the median at a half, 900; nine tenths of the way, 1,140.
    assert number(cast, span, "escalations").quality.startswith("Median decision in 15 min 0 s, 90 % within 19 min 0 s")


def test_a_trace_in_doubt_has_not_finished_and_is_counted_apart(cast, span):
    done, doubtful = finished(cast), planned(cast)
    assert number(cast, span, "viewed").number == "0.0 %"
    Trace.objects.filter(pk=doubtful.pk).update(outcome=Trace.Outcome.UNKNOWN)
    found = number(cast, span, "viewed")
    assert found.quality.endswith("; 1 in doubt, counted apart") and "one in doubt has not finished" in found.definition
    _, rows = rows_of("viewed", Whose(cast.northwind), span, None)
    assert [row.url for row in rows] == [f"/traces/{done.pk}/"], "What is not known yet is not among the finished."


def test_what_ran_out_was_decided_by_nobody(cast, span):
    planned(cast)
    settle("expired", [60, 60])
    assert number(cast, span, "escalations").quality == "Nobody has decided yet"


def test_a_request_sent_back_twice_is_one_of_those_asked(cast, span):
    asked = request_of(planned(cast), "desk.refund.create")
    ApprovalRequest.objects.filter(pk=asked.pk).update(returned_at=database_now())
    ApprovalRequest.objects.exclude(pk=asked.pk).update(created_at=span.start - timedelta(days=1))
    assert number(cast, span, "escalations").quality.endswith("1 of 1 sent back as unclear")


def test_escalations_are_compared_with_the_period_before(cast, span):
    """Now 2 of 4 actions waited, which is 50.0 %; before, 1 of 4, which is 25.0 %: up 25."""
    planned(cast)
    before, earlier = planned(cast), span.start - timedelta(days=1)
    Action.objects.filter(trace=before).update(created_at=earlier)
    requests = ApprovalRequest.objects.filter(trace=before)
    requests.update(created_at=earlier)
    requests.filter(pk=request_of(before, "desk.mail.send").pk).update(created_at=earlier - timedelta(days=14))
    found = number(cast, span, "escalations")
    assert (found.number, found.was) == ("50.0 %", "up 25 pts")


def test_a_reader_who_answers_again_has_changed_their_mind(cast, span):
    trace = planned(cast)
    for first, answer in (("ava", "no"), ("dana", "no"), ("ava", "yes"), ("ava", "yes")):
        record_answer(actor=cast.actor(first), trace_id=trace.pk, answer=answer, line="")
    assert number(cast, span, "viewed").quality == "50.0 % of 2 answers said it answered their question"


def test_a_rollback_is_clean_where_every_change_of_it_went_back(cast, span):
    trace = finished(cast)
    changed = Action.objects.filter(trace=trace, state="succeeded").exclude(changes=[])
    one, two = list(changed)[:2]
    for undone, state in ((one, "rolled_back"), (two, "partly_rolled_back")):
        Action.objects.filter(pk=undone.pk).update(rollback_state=state)
        Rollback.objects.create(
            trace=trace, undo_trace=planned(cast), by=cast.user("priya"), reason="Wrong.", created_at=database_now(),
            todo=[{"action": undone.pk, "fields": ["x"]}], state="done",
        )  # fmt: skip
    Rollback.objects.create(
        trace=trace, undo_trace=planned(cast), by=cast.user("priya"), reason="Older.", todo=[], state="done",
        created_at=span.start - timedelta(days=1),
    )  # fmt: skip
    found = number(cast, span, "rollbacks")
    share = f"{100 * 2 / changed.count():.1f} % of {changed.count()} changes"
    assert (found.number, found.was, found.quality) == ("2", "1 more", f"{share}. 1 of 2 restored every field")


def test_the_numbers_of_one_agent_leave_out_the_others(cast, span, other):
    trace = planned(cast)
    record_answer(actor=cast.actor("ava"), trace_id=trace.pk, answer="yes", line="")
    DecisionRecord.objects.filter(tool="desk.order.get").update(outcome="succeeded")
    plain = sample_plain()
    publish(cast, plain)
    plain["roles"]["refunds"]["tools"]["desk.order.get"] = {"mode": "off"}
    publish(cast, plain)
    planned(cast)
    its, others = ({one.key: one for one in families(Whose(cast.northwind, a), span)} for a in (cast.agent, other))
    assert its["escalations"].number != "none yet" and others["escalations"].number == "none yet"
    assert its["viewed"].quality.startswith("100.0 % of 1") and others["viewed"].quality == "No reader has answered yet"
    # The version is of the policy of both; it broke work of one.
    assert its["tightenings"].number == others["tightenings"].number == "1"
    assert (its["tightenings"].quality, others["tightenings"].quality) == (
        "1 broke work that ran before", "None broke work that ran before",
    )  # fmt: skip


def test_the_scorecard_of_an_agent_leads_to_its_own_rows(cast, span, other):
    planned(cast)
    client = Client()
    client.force_login(cast.user("ava"), backend=BACKEND)
    page = client.get(f"/trust/agents/{cast.agent.pk}/?days=7").content.decode()
    link = f"/trust/escalations/?days=7&amp;agent={cast.agent.pk}"
    assert link in page and "What demotes it by itself" in page and page.count("View as table") == 4
    own = client.get(link.replace("&amp;", "&")).content.decode()
    none = client.get(f"/trust/escalations/?agent={other.pk}").content.decode()
    assert "Refund $240.00 on order 48213" in own and "None in this time" in none
    assert client.get("/trust/escalations/?agent=agt_00000000000000000000000000").status_code == 404


def test_rows_of_an_early_day_are_there_however_many_are_newer(cast, span):
    early = ApprovalRequest.objects.filter(trace=planned(cast)).first()
    day = (span.start + timedelta(days=2)).date()
    at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=5)
    ApprovalRequest.objects.filter(pk=early.pk).update(created_at=at)
    newer = request_of(planned(cast), "desk.refund.create")
    names = [f.attname for f in ApprovalRequest._meta.concrete_fields if f.attname not in {"id", "action_id"}]
    kept = {name: getattr(newer, name) for name in names}
    ApprovalRequest.objects.bulk_create([ApprovalRequest(**kept, action_id=f"act_{n}") for n in range(MOST)])
    _, rows = rows_of("escalations", Whose(cast.northwind), span, day)
    assert [row.at for row in rows] == [at]
