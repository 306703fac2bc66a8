"""Breaking glass asks the proof an approval asks, is signed over what runs, and is checked at dispatch (R-25, V7.5.3, P4)."""

import copy

import pytest

from accounts.clock import database_now
from accounts.models import Factor, StepUp
from actions.services import apply_verdict
from actions.states import State
from approvals.break_glass import break_glass
from approvals.longtext import LONGEST
from approvals.models import ApprovalRequest, BreakGlass
from approvals.refusals import StepUpNeeded
from approvals.signing import signature_holds
from tests.approvals.routing import entries
from tests.builders import action, work
from tests.stepup.conftest import age, ask_for, browser, enrol_by_browser, next_code
from tests.stepup.test_confirm_page import enrol_key

REFUND = "desk.refund.create"
REASON = "The customer's shop is closed until this is paid back."


def press(client, refund, **more):
    data = {"reason": REASON, "promised": "on", "digest": refund.digest, **more}
    return client.post(f"/approvals/{refund.pk}/break-glass/", data)


def ended(refund) -> tuple[str, str]:
    apply_verdict(request_id=refund.pk)
    work(refund.trace)
    found = action(refund.trace, REFUND)
    return found.state, found.detail


@pytest.mark.parametrize("floor", ["by_risk", "totp", "passkey"])
def test_stolen_session_alone_runs_nothing(cast, refund, floor):
    ask_for(cast, floor)
    given = {"reason": REASON, "digest": refund.digest, "promised": True}
    with pytest.raises(StepUpNeeded):
        break_glass(actor=cast.actor("sam"), user=cast.user("sam"), request_id=refund.pk, **given)
    assert press(browser(cast, "sam"), refund)["Location"] == f"/approvals/{refund.pk}/confirm/"
    refund.refresh_from_db()
    assert refund.is_open and not BreakGlass.objects.exists()


def test_reason_is_kept_through_the_proof_and_it_runs_after_it(cast, refund, desk):
    ask_for(cast, "by_risk")
    sam, confirm = browser(cast, "sam"), f"/approvals/{refund.pk}/confirm/"
    press(sam, refund)
    assert "You run it now, without Support lead and Finance" in sam.get(confirm).content.decode()
    enrol_by_browser(sam)
    assert confirm in sam.get("/me/security/").content.decode()
    age(StepUp, minutes=6)
    assert sam.post(confirm, {"code": "000000"}).status_code == 422 and not BreakGlass.objects.exists()
    assert sam.post(confirm, {"code": next_code(Factor.objects.get())}).status_code == 302
    found = BreakGlass.objects.get()
    said = found.signed["statement"]
    assert found.reason == said["reason"] == REASON and said["choice"] == "break_glass"
    assert said["skipped"] == ["Support lead", "Finance"] and said["step_up"]["method"] == "totp"
    assert signature_holds(said, found.signed["key"], found.signed["signature"])
    assert entries(refund, "break_glass")[0][1]["signed"] == found.signed
    assert ended(refund)[0] == State.SUCCEEDED and len(desk.read("/orders/48213")["refunds"]) == 1


def test_passkey_signs_the_emergency_itself(cast, refund):
    ask_for(cast, "passkey")
    sam = browser(cast, "sam")
    key = enrol_key(sam)
    press(sam, refund)
    asked = sam.post(f"/approvals/{refund.pk}/confirm/options/").json()
    data = {"challenge": asked["challenge"], "answer": key.get(asked["publicKey"])}
    assert sam.post(f"/approvals/{refund.pk}/confirm/", data).status_code == 302
    assert BreakGlass.objects.get().signed["assertion"] is not None
    assert ended(refund)[0] == State.SUCCEEDED


def written_by_a_worker(cast, refund):
    """What the database alone can say: that it was broken."""
    now, terms = database_now(), refund.route["break_glass"]
    BreakGlass.objects.create(
        request=refund, user=cast.user("sam"), group=terms["group"], reason=REASON, digest=refund.digest, skipped=[],
        at=now, due_at=now, review_group=terms["review_group"],
    )  # fmt: skip
    ApprovalRequest.objects.filter(pk=refund.pk).update(state="break_glass", settled_at=now)


def honest(cast, refund):
    assert press(browser(cast, "sam"), refund).status_code == 302


def another_reason(cast, refund):
    honest(cast, refund)
    BreakGlass.objects.update(reason="Something that sounds better than it was.")


def another_person(cast, refund):
    honest(cast, refund)
    BreakGlass.objects.update(user=cast.user("ken"))


def another_statement(cast, refund):
    honest(cast, refund)
    found = BreakGlass.objects.get()
    signed = copy.deepcopy(found.signed)
    signed["statement"]["step_up"] = {"method": "totp", "at": "2026-01-01T00:00:00.000000Z"}
    BreakGlass.objects.update(signed=signed)


FORGED = [written_by_a_worker, another_reason, another_person, another_statement]


@pytest.mark.parametrize("forge", FORGED, ids=[forge.__name__ for forge in FORGED])
def test_emergency_that_nobody_signed_runs_nothing(cast, refund, desk, forge):
    """INVARIANT of actions.execution.recheck."""
    forge(cast, refund)
    state, detail = ended(refund)
    assert state == State.BLOCKED and "proves nothing" in detail
    assert desk.read("/orders/48213")["refunds"] == []


def test_floor_that_was_raised_since_asks_its_proof_at_dispatch(cast, refund):
    honest(cast, refund)
    ask_for(cast, "totp")
    state, detail = ended(refund)
    assert state == State.BLOCKED and "without the step-up that is asked now" in detail


def test_what_cannot_be_taken_back_is_shown_whole_before_it_runs(cast, refund):
    shown = copy.deepcopy(refund.displayed)
    shown["reversibility"] = "irreversible"
    shown["payload"]["rows"][0]["new"] = "x" * LONGEST + "and wire the rest to me"
    ApprovalRequest.objects.filter(pk=refund.pk).update(displayed=shown)
    sam, address = browser(cast, "sam"), f"/approvals/{refund.pk}/break-glass/"
    page = sam.get(address).content.decode()
    assert "Show all before you run it" in page and "Run now without" not in page and "wire the rest" not in page
    answer = press(sam, refund)
    assert answer.status_code == 422 and "Show all of" in answer.content.decode() and not BreakGlass.objects.exists()
    page = sam.get(f"{address}?all=1").content.decode()
    assert "wire the rest" in page and "Run now without" in page and 'name="opened"' in page
    assert press(sam, refund, opened="yes").status_code == 302 and BreakGlass.objects.exists()
