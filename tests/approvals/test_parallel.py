"""Steps at the same time, and people by name: any order, each its own quorum, one person one step (R-24)."""

import pytest

from accounts.models import GroupMembership
from approvals.models import Verdict
from approvals.refusals import NotEntitled
from approvals.services import record_verdict
from tests.approvals.routing import hired, into, routed
from tests.approvals.test_pages import browser
from tests.builders import vote

LEAD = {"name": "Lead", "group": "support-leads"}
FINANCE = {"name": "Finance", "group": "finance", "with": "previous"}
LAST = {"name": "Managers", "group": "managers"}


def test_parallel_steps_are_decided_in_any_order_and_the_next_waits_for_both(cast, refund):
    found = routed(refund, steps=[LEAD, FINANCE, LAST])
    with pytest.raises(NotEntitled, match="Steps 1 and 2 are decided by Lead and Finance"):
        vote(cast, found, "sam")
    vote(cast, found, "tomas")
    with pytest.raises(NotEntitled, match=r"You approved step 2\. Waiting for Lead\."):
        vote(cast, found, "tomas")
    with pytest.raises(NotEntitled, match="Step 1 is decided by Lead"):
        vote(cast, found, "sam")
    vote(cast, found, "priya")
    found.refresh_from_db()
    assert found.step == 3 and found.is_open
    vote(cast, found, "sam")
    found.refresh_from_db()
    assert found.state == "approved"


def test_in_a_row_the_second_still_waits_for_the_first(cast, refund):
    found = routed(refund, steps=[LEAD, {"name": "Finance", "group": "finance"}])
    with pytest.raises(NotEntitled, match="Step 1 is decided by Lead"):
        vote(cast, found, "tomas")


def test_somebody_in_both_groups_says_which_step_and_decides_only_that(cast, refund):
    found = routed(refund, steps=[LEAD, FINANCE])
    into(cast, "priya", "finance")
    page = browser(cast, "priya").get(f"/approvals/{found.pk}/").content.decode()
    assert '<option value="1">Step 1 · Lead</option><option value="2">Step 2 · Finance</option>' in page
    assert '<select id="step"' not in browser(cast, "tomas").get(f"/approvals/{found.pk}/").content.decode()
    sent = {"choice": "approve", "digest": found.digest, "step": "2"}
    assert browser(cast, "priya").post(f"/approvals/{found.pk}/decide/", sent).status_code == 302
    assert Verdict.objects.get().step == 2
    with pytest.raises(NotEntitled, match="Step 2 does not wait for you"):
        record_verdict(actor=cast.actor("ken"), user=cast.user("ken"), request_id=found.pk, choice="approve", reason="",
                       digest=found.digest, step=2)  # fmt: skip
    vote(cast, found, "ken")
    found.refresh_from_db()
    assert found.state == "approved"


def test_a_named_person_decides_beside_the_group_or_instead_of_one(cast, refund):
    found = routed(refund, steps=[{**LEAD, "people": ["tomas@northwind.example"]},
                                  {"name": "Ken", "people": ["ken@northwind.example"]}])  # fmt: skip
    with pytest.raises(NotEntitled, match="Step 1 is decided by Lead"):
        vote(cast, found, "sam")
    vote(cast, found, "tomas")
    for first in ("priya", "sam"):
        with pytest.raises(NotEntitled, match="Step 2 is decided by Ken"):
            vote(cast, found, first)
    assert "Ken Abe" in browser(cast, "priya").get(f"/approvals/{found.pk}/").content.decode()
    vote(cast, found, "ken")
    found.refresh_from_db()
    assert found.state == "approved"


def test_r24_being_named_helps_nobody_who_is_kept_out(cast, refund):
    found = routed(refund, steps=[{"name": "Named", "people": ["maya@northwind.example", "dana@northwind.example"]}])
    for first in ("maya", "dana"):
        with pytest.raises(NotEntitled, match="someone else decides it"):
            vote(cast, found, first)


def test_quorum_of_one_parallel_step_is_its_own(cast, refund):
    hired(cast, "pat")
    into(cast, "pat", "finance")
    found = routed(refund, steps=[LEAD, {**FINANCE, "quorum": 2}])
    vote(cast, found, "tomas")
    vote(cast, found, "priya")
    found.refresh_from_db()
    assert found.is_open and [step.name for step in found.waiting] == ["Finance"]
    with pytest.raises(NotEntitled, match="Step 2 is decided by Finance"):
        vote(cast, found, "ken")
    vote(cast, found, "pat")
    found.refresh_from_db()
    assert found.state == "approved" and GroupMembership.objects.filter(user=cast.user("pat")).exists()
