"""What counts as opened, wherever it is decided: alone, beside others, in a batch; and nobody escapes the nudge (A-09, T25)."""

from datetime import timedelta

import pytest

from accounts.clock import database_now
from actions import load
from approvals.models import Opening, Verdict
from tests.actions.test_plan_decisions import asked as plan_asked
from tests.actions.test_plan_decisions import decide, requests
from tests.approvals.test_batch import asked, ids, sent
from tests.builders import planned, publish, request_of, sample_plain, vote
from tests.stepup.conftest import browser
from tests.stepup.test_load import REFUND, given
from traces.models import Entry

__all__ = ["asked", "plan_asked"]


def opened_by(user):
    return set(Opening.objects.filter(user=user).values_list("request", flat=True))


def test_the_list_opens_nothing_until_the_request_beside_it_is_in_sight(cast):
    refund = request_of(planned(cast), REFUND)
    client = browser(cast, "priya")
    page = client.get("/approvals/").content.decode()
    assert refund.title in page and not Opening.objects.exists()
    seen = f"/approvals/{refund.pk}/?shown={refund.digest}"
    assert f'hx-get="{seen}" hx-trigger="intersect once"' in page
    assert client.get(f"/approvals/{refund.pk}/?shown=sha256:00", headers={"HX-Request": "true"}).status_code == 204
    assert not Opening.objects.exists()
    assert client.get(seen, headers={"HX-Request": "true"}).status_code == 204
    assert opened_by(cast.user("priya")) == {refund.pk}


def test_a_batch_opens_what_stands_on_it_and_shares_its_time(cast, asked):
    client = browser(cast, "priya")
    page = client.get(f"/approvals/batch/?{ids(asked)}").content.decode()
    assert opened_by(cast.user("priya")) == {request.pk for request in asked} and "in the last hour" not in page
    Opening.objects.update(at=database_now() - timedelta(seconds=30))
    client.post("/approvals/batch/", sent(asked))
    found = Verdict.objects.all()
    assert [verdict.together for verdict in found] == [3, 3, 3]
    assert all(10_000 <= verdict.dwell_ms < 30_000 for verdict in found)
    told = Entry.objects.filter(type="approval.verdict_recorded").latest("at").record["body"]
    assert told["together"] == 3 and told["opened_at"]
    (priya,) = load.approvers(cast.northwind, load.since("1"))
    assert (priya.unopened, priya.together, priya.together_share) == (0, 3, 100)
    assert 'data-head="Decided together">100 %' in browser(cast, "ava").get("/approvals/load/").content.decode()


def test_twelve_at_a_glance_in_a_batch_are_fast_and_the_next_batch_says_so(cast, asked):
    """Three at 4 s each would be 12 s for whoever reads them all; shared by what one press decided, it is what it was."""
    given(cast, asked[0], "priya", dwell_ms=900, count=9)
    client = browser(cast, "priya")
    client.get(f"/approvals/batch/?{ids(asked[:2])}")
    Opening.objects.update(at=database_now() - timedelta(seconds=4))
    client.post("/approvals/batch/", sent(asked[:2]))
    page = client.get(f"/approvals/batch/?{ids(asked[2:])}").content.decode()
    assert "You approved 11 in the last hour, median under 1 s. Read each change before you decide." in page


def test_a_plan_opens_what_may_be_decided_on_it(cast, plan_asked):
    found = requests(plan_asked)
    url = f"/plans/{plan_asked.plans.get().pk}/"
    browser(cast, "tomas").get(url)
    page = browser(cast, "priya").get(url).content.decode()
    assert opened_by(cast.user("tomas")) == set() and opened_by(cast.user("priya")) == {found[2].pk, found[4].pk}
    assert "in the last hour" not in page
    given(cast, found[2], "priya", dwell_ms=900, count=10)
    assert "You approved 10 in the last hour" in browser(cast, "priya").get(url).content.decode()
    decide(cast, plan_asked, "priya", {2: "approve", 4: "approve"})
    assert [verdict.together for verdict in Verdict.objects.filter(void=False)] == [2, 2]


@pytest.mark.parametrize(
    ("of_route", "of_workspace", "wants"), [(3, None, True), (4, None, False), (4, 3, True), (3, 9, True)]
)
def test_a_route_asks_a_second_approver_and_the_workspace_may_ask_sooner(cast, of_route, of_workspace, wants):
    plain = sample_plain()
    plain["routes"]["refund"]["second_above"] = of_route
    publish(cast, plain)
    refund = request_of(planned(cast), REFUND)
    cast.northwind.approval_settings.second_above = of_workspace
    cast.northwind.approval_settings.save()
    given(cast, refund, "priya", dwell_ms=9000, count=3)
    vote(cast, refund, "priya")
    assert refund.verdicts.get(void=False).wants_second is wants
    refund.refresh_from_db()
    assert refund.step == (1 if wants else 2)


def test_a_batch_escapes_no_second_approver(cast):
    """The second of two updates on one press is above what their route lets one person approve in an hour."""
    plain = sample_plain()
    plain["routes"]["account"]["second_above"] = 1
    plain["roles"]["refunds"]["tools"]["desk.account.update"] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    note = {"account_id": "acct_5521", "fields": {"owner_note": "x"}}
    steps = [{"title": "Note", "tool": "desk.account.update", "arguments": note}]
    both = [request_of(planned(cast, steps), "desk.account.update") for _ in range(2)]
    browser(cast, "priya").post("/approvals/batch/", sent(both))
    for request in both:
        request.refresh_from_db()
    assert [request.state for request in both] == ["approved", "open"]
