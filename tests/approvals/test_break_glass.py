"""An emergency: one person runs a request without the rest. It skips people and nothing else (P1, P4, R-24, R-26)."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from accounts.access import NotVisible
from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import GroupMembership
from actions.models import Action, KillSwitch
from actions.services import apply_verdict, run_and_advance
from actions.switches import hold
from approvals.break_glass import NotPromised, break_glass
from approvals.models import ApprovalRequest, BreakGlass
from approvals.refusals import AlreadyDecided, DigestChanged, NotEntitled, ReasonNeeded, VerdictRefused
from approvals.services import replace_payload
from tests.approvals.routing import entries, hired, into
from tests.approvals.test_pages import browser
from tests.builders import action, planned, publish, request_of, sample_plain, vote, waive, work
from traces.ledger import verify

REFUND = "desk.refund.create"
REASON = "The customer's shop is closed until this is paid back."


def broken(cast, refund, first="sam", **changes):
    refund.refresh_from_db()
    given = {"reason": REASON, "digest": refund.digest, "promised": True, **changes}
    return break_glass(actor=cast.actor(first), user=cast.user(first), request_id=refund.pk, **given)


def carried(cast, refund, first="sam"):
    """Broken, and carried over to the action, as the signal does on commit."""
    broken(cast, refund, first)
    apply_verdict(request_id=refund.pk)


def state_of(refund) -> str:
    return action(refund.trace, REFUND).state


def test_it_runs_at_once_and_the_ledger_says_who_skipped_whom(cast, refund, desk):
    vote(cast, refund, "priya")
    carried(cast, refund)
    work(refund.trace)
    assert state_of(refund) == "succeeded" and len(desk.read("/orders/48213")["refunds"]) == 1
    ((_, told),) = entries(refund, "break_glass")
    assert told["skipped"] == ["Finance"] and told["reason"] == REASON and told["saw"] == refund.digest
    assert told["notified"] == ["support-leads", "finance"] and told["policy"]["version"] == 1
    refund.refresh_from_db()
    owed = BreakGlass.objects.get(request=refund)
    assert refund.state == "break_glass" and owed.due_at - owed.at == timedelta(hours=24)
    assert verify(refund.trace).ok
    page = browser(cast, "priya").get(f"/traces/{refund.trace_id}/").content.decode()
    assert "Ran it without Finance" in page and "The review is owed." in page


@pytest.mark.parametrize(
    ("first", "words"),
    [("maya", "You asked for this"), ("dana", "You own this agent"), ("priya", "Only people who were in the group"),
     ("ava", "needs the Reviewer role"), ("two", "You asked for this"), ("late", "Only people who were in the group")],
)  # fmt: skip
def test_r24_who_may_not_break_glass(cast, refund, first, words):
    hired(cast, "two", "maya+two@northwind.example")
    hired(cast, "late")
    for name in ("maya", "dana", "ava", "two"):
        into(cast, name, "incident-leads")
    into(cast, "late", "incident-leads", joined=database_now())
    with pytest.raises(NotEntitled, match=words):
        broken(cast, refund, first)
    assert browser(cast, first).get(f"/approvals/{refund.pk}/break-glass/").status_code == 404
    assert not BreakGlass.objects.exists() and entries(refund, "break_glass") == []


def test_r24_the_owner_may_not_even_where_the_route_lets_owners_approve(cast, refund):
    ApprovalRequest.objects.filter(pk=refund.pk).update(excluded={})
    into(cast, "dana", "incident-leads")
    with pytest.raises(NotEntitled, match="You own this agent"):
        broken(cast, refund, "dana")


def test_r24_whoever_edited_the_payload_may_not(cast, refund):
    replace_payload(actor=cast.actor("sam"), editor=cast.user("sam"), stands_in_for=None, request=refund, title=refund.title,
                    digest=refund.digest, displayed=refund.displayed, bound=refund.bound)  # fmt: skip
    with pytest.raises(NotEntitled, match="You edited this"):
        broken(cast, refund)


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"reason": "Too short a reason."}, ReasonNeeded), ({"reason": "x" * 19 + " " * 9}, ReasonNeeded),
     ({"promised": False}, NotPromised), ({"digest": "sha256:" + "0" * 64}, DigestChanged)],
)  # fmt: skip
def test_what_is_owed_is_asked_for_and_nothing_is_recorded_without_it(cast, refund, changes, error):
    with pytest.raises(error):
        broken(cast, refund, **changes)
    refund.refresh_from_db()
    assert refund.is_open and not BreakGlass.objects.exists() and entries(refund, "break_glass") == []


def test_a_request_without_that_way_or_out_of_time_has_none(cast, refund):
    mail = request_of(refund.trace, "desk.mail.send")
    with pytest.raises(NotEntitled, match="no way past its steps"):
        break_glass(actor=cast.actor("sam"), user=cast.user("sam"), request_id=mail.pk, reason=REASON, digest=mail.digest,
                    promised=True)  # fmt: skip
    ApprovalRequest.objects.filter(pk=refund.pk).update(expires_at=database_now())
    with pytest.raises(AlreadyDecided, match="expired"):
        broken(cast, refund)


def freeze(cast):
    plain = sample_plain()
    plain["freezes"] = [{"id": "stop", "when": {"tools": [REFUND]}, "reason": "Books are closed.",
                         "from": "2026-01-01T00:00Z", "until": "2099-01-01T00:00Z"}]  # fmt: skip
    publish(cast, plain)


def invariant(cast):
    plain = sample_plain()
    plain["invariants"].append(
        {"id": "none", "when": {"tools": [REFUND]}, "forbid": "true", "reason": "No refunds now."}
    )
    publish(cast, plain)


def limit(cast):
    plain = sample_plain()
    next(item for item in plain["limits"] if item["id"] == "refund.daily")["max"] = 100
    publish(cast, plain)


def no_glass(cast):
    plain = sample_plain()
    del plain["routes"]["refund"]["break_glass"]
    waive(plain, "side_effect.break_glass", reason="Nobody skips.")
    publish(cast, plain)


def sooner_review(cast):
    plain = sample_plain()
    plain["routes"]["refund"]["break_glass"]["review_within"] = "1h"
    publish(cast, plain)


def left_group(cast):
    GroupMembership.objects.filter(user=cast.user("sam"), group__slug="incident-leads").delete()


def other_bytes(cast):
    found = Action.objects.get(tool_name=REFUND)
    text = found.arguments_text.replace("24000", "24001")
    assert text != found.arguments_text
    Action.objects.filter(pk=found.pk).update(arguments_text=text)


def another_authorisation(cast):
    BreakGlass.objects.update(digest="sha256:" + "1" * 64)


DRIFTS = [
    (freeze, "Books are closed"), (invariant, "No refunds now"), (limit, "over the limit"), (no_glass, "other approvals"),
    (sooner_review, "other approvals"), (left_group, "Sam Boye may no longer run this"), (other_bytes, "matches its digest"),
    (another_authorisation, "Nobody let these bytes run"),
]  # fmt: skip


@pytest.mark.parametrize(("drift", "words"), DRIFTS, ids=[drift.__name__ for drift, _ in DRIFTS])
def test_p1_r26_everything_but_people_still_holds_at_dispatch(cast, refund, desk, drift, words):
    carried(cast, refund)
    drift(cast)
    work(refund.trace)
    found = action(refund.trace, REFUND)
    assert found.state == "blocked" and words in found.detail
    assert desk.read("/orders/48213")["refunds"] == []


def test_p9_a_pause_holds_it_until_it_is_released(cast, refund, desk):
    hold(actor=cast.actor("priya"), workspace=cast.northwind, scope=KillSwitch.Scope.TOOL, target=REFUND,
         reason="Something is wrong with refunds.")  # fmt: skip
    carried(cast, refund)
    run_and_advance(actor=system_actor("worker", cast.northwind.pk), action_id=refund.action_id)
    assert state_of(refund) == "authorized" and desk.read("/orders/48213")["refunds"] == []


def test_policy_that_takes_the_way_away_does_not_undo_approvals_that_did_not_use_it(cast, refund, desk):
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    no_glass(cast)
    work(refund.trace)
    assert state_of(refund) == "succeeded"


def test_page_says_what_it_skips_and_who_is_told(cast, refund):
    vote(cast, refund, "priya")
    sam = browser(cast, "sam")
    assert f"/approvals/{refund.pk}/break-glass/" in sam.get(f"/approvals/{refund.pk}/").content.decode()
    page = sam.get(f"/approvals/{refund.pk}/break-glass/").content.decode()
    for words in ("Run now without Finance", "Support lead, Finance, Managers", "I will write the review within 24 h",
                  "Priya Nair approved step 1", "At least 20 characters", "$240.00"):  # fmt: skip
        assert words in page, words
    answer = sam.post(f"/approvals/{refund.pk}/break-glass/", {"reason": REASON, "digest": refund.digest})
    assert answer.status_code == 422 and "Say that you will write the review." in answer.content.decode()
    sent = {"reason": REASON, "promised": "on", "digest": refund.digest}
    assert sam.post(f"/approvals/{refund.pk}/break-glass/", sent).status_code == 302
    assert "Run without Finance by Sam Boye" in sam.get(f"/approvals/{refund.pk}/").content.decode()
    assert "break-glass/</a>" not in browser(cast, "priya").get(f"/approvals/{refund.pk}/").content.decode()


def race(*tried) -> list[str]:
    """What each try ended as, all begun at one moment."""
    results, gate = [], threading.Barrier(len(tried))

    def one(work):
        gate.wait()
        try:
            work()
            results.append("done")
        except (VerdictRefused, NotVisible):
            results.append("refused")
        connections.close_all()

    threads = [threading.Thread(target=one, args=(work,)) for work in tried]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def test_two_at_once_break_it_once_and_against_a_rejection_the_first_stands(transactional_db, cast):
    found = request_of(planned(cast), REFUND)
    twin = ApprovalRequest.objects.get(pk=found.pk)
    ended = race(lambda: broken(cast, found, "sam"), lambda: broken(cast, twin, "ken"))
    assert ended == ["done", "refused"]
    assert BreakGlass.objects.count() == 1 and len(entries(found, "break_glass")) == 1
    other = request_of(planned(cast), REFUND)
    twin = ApprovalRequest.objects.get(pk=other.pk)
    ended = race(lambda: broken(cast, other, "sam"), lambda: vote(cast, twin, "ken", "reject", "Not now."))
    assert ended == ["done", "refused"]
    other.refresh_from_db()
    assert (other.state == "break_glass") == BreakGlass.objects.filter(request=other).exists()
    mine = [body for _, body in entries(other, "settled") if body["approval"] == other.pk]
    assert [body["state"] for body in mine] == [other.state]
