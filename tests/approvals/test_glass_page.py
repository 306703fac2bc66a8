"""The page of an emergency: the consequence above its button, what changed meanwhile told with the reason kept (P3, R-24)."""

import copy

import pytest

from approvals.break_glass import break_glass
from approvals.models import ApprovalRequest, BreakGlass
from approvals.refusals import NotEntitled
from tests.approvals.test_break_glass import REASON
from tests.approvals.test_pages import browser
from tests.approvals.test_typed_edit import send


def pressed(cast, refund, digest):
    sent = {"reason": REASON, "promised": "on", "digest": digest}
    return browser(cast, "sam").post(f"/approvals/{refund.pk}/break-glass/", sent)


def test_reach_cost_and_whether_it_can_be_undone_stand_above_the_button(cast, refund):
    page = browser(cast, "sam").get(f"/approvals/{refund.pk}/break-glass/").content.decode()
    words = ["Reaches", "Costs", "Can be undone?", "What will change", "Run now without"]
    places = [page.index(word) for word in words]
    assert places == sorted(places)


def test_what_cannot_be_taken_back_names_its_effect_for_the_second_press(cast, refund):
    shown = copy.deepcopy(refund.displayed) | {"reversibility": "irreversible"}
    ApprovalRequest.objects.filter(pk=refund.pk).update(displayed=shown)
    page = browser(cast, "sam").get(f"/approvals/{refund.pk}/break-glass/").content.decode()
    assert 'data-confirm="Refund $240.00 on order 48213"' in page


def test_p4_what_changed_meanwhile_runs_nothing_and_keeps_the_reason(cast, refund):
    seen = refund.digest
    assert send(cast, refund, amount="199.99").status_code == 302
    answer = pressed(cast, refund, seen)
    page = answer.content.decode()
    refund.refresh_from_db()
    assert answer.status_code == 409 and "The payload changed after you opened it" in page
    assert REASON.replace("'", "&#x27;") in page and "$199.99" in page
    assert refund.digest in page and seen not in page and refund.is_open and not BreakGlass.objects.exists()
    assert pressed(cast, refund, refund.digest).status_code == 302 and BreakGlass.objects.exists()


def test_r24_whoever_is_signed_in_breaks_it(cast, refund):
    with pytest.raises(NotEntitled, match="signed in"):
        break_glass(
            actor=cast.actor("ken"), user=cast.user("sam"), request_id=refund.pk, reason=REASON, digest=refund.digest,
            promised=True,
        )  # fmt: skip
    assert not BreakGlass.objects.exists()
