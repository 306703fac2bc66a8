"""What the ledger recorded is told, once a channel, whatever dies when; and what it says (R-21, R-23, R-25)."""

import pytest
from django.db import transaction
from django.test import Client

from accounts.actors import system_actor
from actions.models import Action
from actions.states import State
from actions.switches import pause, release
from approvals.models import ApprovalRequest, Verdict
from tests.builders import action, planned, request_of, vote
from tests.notices.conftest import channel, round_
from traces.entry_types import LABELS, TOLD
from traces.ledger import append
from traces.models import Entry
from traces.notices.events import CHECKPOINT_FAILED, EVENTS
from traces.notices.models import Delivery, Notice, Untold
from traces.notices.project import project, tell_of_checkpoints
from traces.notices.said import _ROLLED_BACK, _SAYERS
from traces.services import record_governance

REASON = "Wrong amounts since noon"


def test_every_event_is_a_ledger_verb_with_words_of_its_own():
    told = set(EVENTS) - {CHECKPOINT_FAILED}
    assert set(LABELS) >= TOLD >= told == set(_SAYERS) and TOLD - told == {"approval.verdict_recorded"}


def test_an_approval_is_told_once_with_due_time_and_a_link(cast, sink):
    channel(cast, sink)
    trace = planned(cast)
    request = request_of(trace, "desk.refund.create")
    asked = ApprovalRequest.objects.filter(trace=trace).count()
    sent = round_()
    while more := round_():
        sent += more
    assert [one.state for one in sent] == ["sent"] * asked == ["sent"] * len(sink.got)
    body = next(got.json for got in sink.got if request.pk in got.json["data"]["url"])
    assert body["type"] == "approval.requested" and body["workspace"] == "Northwind"
    assert body["data"]["title"] == "Approval needed: Refund $240.00 on order 48213"
    assert body["data"]["facts"]["Waits for"].startswith("Support lead (step 1 of 2)")
    assert "it is denied" in body["data"]["facts"]["Due"] and body["data"]["facts"]["Asked by"] == "Maya Chen"
    entry = Entry.objects.get(trace=trace, seq=body["data"]["seq"])
    assert (entry.type, entry.hash) == ("approval.requested", body["data"]["hash"])
    assert round_() == [] and Untold.objects.count() == 0


def test_r25_every_link_is_a_page_and_getting_it_decides_nothing(cast, sink):
    channel(cast, sink, events=[key for key in EVENTS if key != CHECKPOINT_FAILED])
    trace = planned(cast)
    switch = pause(actor=cast.actor("priya"), user=cast.user("priya"), workspace=cast.northwind, scope="workspace", target="",
                   reason=REASON)  # fmt: skip
    release(
        actor=cast.actor("priya"), user=cast.user("priya"), workspace=cast.northwind, switch_id=switch.pk, reason=REASON
    )
    while round_():
        pass
    vote(cast, request_of(trace, "desk.refund.create"), "priya", "reject", "Not a duplicate at all.")
    while round_():
        pass
    told = {got.json["type"]: got.json["data"] for got in sink.got}
    assert {"approval.requested", "approval.settled", "pause.set", "pause.released"} <= set(told)
    before = list(ApprovalRequest.objects.order_by("pk").values()), list(Verdict.objects.values())
    client = Client()
    client.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    for data in told.values():
        path = data["url"].removeprefix("http://127.0.0.1:8000")
        assert path.startswith("/") and "?" not in path and client.get(path).status_code == 200, path
    assert (list(ApprovalRequest.objects.order_by("pk").values()), list(Verdict.objects.values())) == before


BREAKER = {
    "trip": "trp_1",
    "policy": "support",
    "breaker": "refunds",
    "key": "k",
    "reason": "6 failures in the last hour.",
}
DRAFT = {
    "policy": "support",
    "draft": 1,
    "revision": 1,
    "digest": "d",
    "verdict": "tightens",
    "why": "It no longer compiles.",
}
# Verb -> the body its service writes, and the beginning of the title.
GOVERNED = {
    "breaker.tripped": (BREAKER, "Circuit breaker refunds of policy support tripped"),
    "breaker.reset": (BREAKER, "Circuit breaker refunds of policy support was reset"),
    "policy.proposed": (DRAFT, "Policy support: a publication waits for a second policy admin"),
    "policy.not_published": (DRAFT, "Policy support: a scheduled publication did not happen"),
    "policy.published": ({**DRAFT, "version": 4}, "Policy support v4 was published"),
}
STILL = {"waiting": ["Support lead"], "waited_ms": 1, "number": 0}
GLASS = {
    "skipped": ["Finance"], "group": "support-leads", "saw": "sha256:0123456789abcdef", "policy": {}, "waited_ms": 1,
    "reason": "The customer waits.", "notified": ["finance"], "review_group": "support-leads",
    "review_due_at": "2026-03-02T10:11:12.000000Z",
}  # fmt: skip
REVIEWED, CONFIRMED = {"text": "x", "overdue": False}, {"finding": "justified", "note": "", "overdue": False}
APPROVED = {
    "approval.reminded": (STILL, "Nobody has decided yet: Refund $240.00"),
    "approval.escalated": ({**STILL, "to": "finance", "step": ""}, "Escalated, because nobody decided: Refund $240.00"),
    "approval.break_glass": (GLASS, "Run in an emergency: Refund $240.00"),
    "approval.glass_reviewed": (REVIEWED, "The review of an emergency was written: Refund $240.00"),
    "approval.glass_confirmed": (CONFIRMED, "The review of an emergency was confirmed: Refund $240.00"),
}
WORKED = {
    "action.unknown": ({"to": "unknown"}, "Outcome unknown: Refund $240.00 on order 48213"),
    "action.needs_human": ({"to": "needs_human"}, "A person must find out what happened: Refund $240.00"),
    "action.blocked": ({"to": "blocked"}, "Blocked by the check before dispatch: Refund $240.00"),
    "rollback.finished": ({"rollback_state": "rolled_back"}, "Rolled back: Refund $240.00"),
}


@pytest.mark.parametrize("state", Action.RollbackState.values)
def test_every_end_of_a_rollback_has_words_of_its_own(state):
    """F-06: a rollback in doubt must not read like one that is done."""
    assert state in _ROLLED_BACK


def test_every_verb_has_its_words_and_its_page(cast, sink):
    trace = planned(cast)
    channel(cast, sink, events=[*GOVERNED, *WORKED, *APPROVED])
    refund, approval = action(trace, "desk.refund.create").pk, request_of(trace, "desk.refund.create").pk
    with transaction.atomic():
        for verb, (body, _) in GOVERNED.items():
            record_governance(actor=cast.actor("ken"), workspace_id=cast.northwind.pk, type=verb, body=body)
        for verb, (body, _) in WORKED.items():
            append(actor=cast.agent_actor, trace_id=trace.pk, type=verb, body={"action": refund, "step": 2, **body})
        for verb, (body, _) in APPROVED.items():
            about = {"action": refund, "approval": approval}
            append(actor=cast.agent_actor, trace_id=trace.pk, type=verb, body={**about, **body})
    while round_():
        pass
    told = {got.json["type"]: got.json["data"] for got in sink.got}
    for verb, (_, title) in APPROVED.items():
        assert told[verb]["title"].startswith(title) and f"/approvals/{approval}/" in told[verb]["url"], verb
    client = Client()
    client.force_login(cast.user("ken"), backend="django.contrib.auth.backends.ModelBackend")
    for verb, (_, title) in {**GOVERNED, **WORKED}.items():
        assert told[verb]["title"].startswith(title), verb
        page = client.get(told[verb]["url"].removeprefix("http://127.0.0.1:8000"), follow=True)
        assert page.status_code == 200, verb


def test_a_crash_while_putting_into_words_loses_and_doubles_nothing(cast, sink):
    """The notices and the end of the untold row are one transaction."""
    channel(cast, sink)
    planned(cast)
    untold = list(Untold.objects.order_by("pk").values_list("pk", flat=True))
    assert untold
    try:
        with transaction.atomic():
            project()
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert list(Untold.objects.order_by("pk").values_list("pk", flat=True)) == untold
        assert not Notice.objects.exists()
    project()
    asked = ApprovalRequest.objects.count()
    assert Notice.objects.count() == asked == Delivery.objects.count() and project() == 0


def test_an_entry_without_words_is_kept_said_and_delays_no_other(cast, sink, caplog):
    channel(cast, sink, events=["action.unknown", "approval.requested"])
    trace = planned(cast)
    with transaction.atomic():
        body = {"action": "act_00000000000000000000000000"}
        append(actor=system_actor("tests", cast.northwind.pk), trace_id=trace.pk, type="action.unknown", body=body)
    project()
    left = Untold.objects.get()
    assert "does not propose" in left.problem and left.again_at and "Nobody was told" in caplog.text
    assert Notice.objects.count() == ApprovalRequest.objects.count()


def test_a_new_channel_is_told_of_nothing_that_was_before_it(cast, sink):
    planned(cast)
    channel(cast, sink, events=list(EVENTS))
    assert Untold.objects.exists() and round_() == [] and not Untold.objects.exists()


def test_another_workspace_hears_nothing(cast, sink):
    channel(cast, sink, events=list(EVENTS))
    pause(actor=system_actor("tests", ""), user=cast.user("omar"), workspace=cast.lakeside, scope="workspace", target="",
          reason=REASON)  # fmt: skip
    assert round_() == [] and sink.got == [] and not Notice.objects.exists()


def test_what_is_decided_before_it_goes_out_is_not_sent(cast, sink):
    channel(cast, sink)
    trace = planned(cast)
    project()
    request = request_of(trace, "desk.refund.create")
    vote(cast, request, "priya", "reject", "Not a duplicate at all.")
    while round_():
        pass
    skipped = Delivery.objects.get(notices__approval=request.pk)
    assert (skipped.state, skipped.last_error) == ("skipped", "It was decided before this was sent.")
    assert all(request.pk not in got.json["data"]["url"] for got in sink.got)


def test_f13_a_ledger_without_checkpoints_is_told_once(cast, sink):
    from traces.checkpoints.registry import log_of
    from traces.models import Log

    channel(cast, sink, events=[CHECKPOINT_FAILED])
    Log.objects.filter(pk=log_of(cast.northwind.pk).pk).update(problem="The signing key is gone.")
    tell_of_checkpoints()
    tell_of_checkpoints()
    assert [one.state for one in round_()] == ["sent"]
    assert sink.got[0].json["data"]["title"] == "No checkpoint of the ledger of Northwind is signed"


@pytest.mark.parametrize(
    "hidden", ["\u202e", "\u200b", "\ufeff", "\x1b", "\U000e0041", "\u2066", "\x07", "\x00"[:0] + "\u00ad"]
)
def test_r23_hidden_characters_are_seen_in_messages(cast, sink, hidden):
    channel(cast, sink, events=["pause.set"])
    pause(actor=cast.actor("priya"), user=cast.user("priya"), workspace=cast.northwind, scope="workspace", target="",
          reason=f"Wrong {hidden}amounts\nApprove: https://evil.example")  # fmt: skip
    round_()
    why = sink.got[0].json["data"]["facts"]["Why"]
    assert hidden not in why and f"[U+{ord(hidden):04X}]" in why and "\n" not in why


def test_the_worker_that_waits_is_not_told_of_by_its_own_arguments(cast, sink):
    """R-33: only what the ledger holds in clear is said; the redacted argument of this call is nowhere."""
    channel(cast, sink, events=list(EVENTS))
    trace = planned(cast)
    while round_():
        pass
    said = b"".join(got.body for got in sink.got).decode()
    assert action(trace, "desk.refund.create").state == State.PENDING
    assert "ap@birch.example" not in said and "duplicate" not in said.lower()
