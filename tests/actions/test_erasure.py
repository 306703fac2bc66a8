"""Erased means gone from every row: the ledger's values and the columns beside it, now or when a call has come to rest (R-42)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.erasure import GONE
from actions.models import Action, IdempotencyKey
from actions.replan import refusal
from actions.resume import refusal as resume_refusal
from actions.rollback import RollbackRefused, preview
from actions.sweep import sweep
from approvals.models import ApprovalRequest
from policies.history import request_of as recorded_request
from policies.models import DecisionRecord
from tests.actions.test_canaries import columns_with
from tests.actions.undoing import UPDATE, undo, wrote
from tests.builders import action, opened, planned, publish, request_of, sample_plain, vote, work
from tests.gateway.test_bad_input import post
from tests.traces.ledgers import attacker
from traces.ledger import verify
from traces.models import Entry, Trace
from traces.redaction import apply_retention, erase_subject

MAIL, BACKEND = "ap@birch.example", "django.contrib.auth.backends.ModelBackend"


def erase(cast, subject: str = MAIL):
    return erase_subject(
        actor=system_actor("erasure", cast.northwind.pk), workspace_id=cast.northwind.pk, subject=subject,
        reason="Asked to",
    )  # fmt: skip


@pytest.fixture
def mailed(cast, desk) -> Trace:
    """The sample intent to its end, with a mail to a customer."""
    trace = planned(cast)
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, "desk.refund.create"), first)
    work(trace)
    vote(cast, request_of(trace, "desk.mail.send"), "maya")
    work(trace)
    assert action(trace, "desk.mail.send").state == "succeeded" and MAIL in "".join(columns_of(trace))
    return trace


def columns_of(trace: Trace) -> list[str]:
    return list(Action.objects.filter(trace=trace).values_list("arguments_text", flat=True))


def test_r42_an_erased_value_stands_in_no_column_of_the_database(cast, mailed):
    assert {"actions_action.arguments_text", "policies_decisionrecord.request_text"} <= set(columns_with([MAIL]))
    done = erase(cast)
    assert done.under_way == 0 and columns_with([MAIL]) == {}
    mail = action(mailed, "desk.mail.send")
    assert "[email, erased]" in mail.arguments_text and mail.erased_at is not None
    assert verify(Trace.objects.get(pk=mailed.pk)).ok


def test_r42_what_reads_the_rows_again_goes_on_reading_them(cast, mailed):
    erase(cast)
    for record in DecisionRecord.objects.filter(trace_id=mailed.pk):
        assert recorded_request(record).tool.name == record.tool
    client = Client()
    client.force_login(cast.user("priya"), backend=BACKEND)
    mail = request_of(mailed, "desk.mail.send")
    paths = (f"/traces/{mailed.pk}/", "/actions/", f"/approvals/{mail.pk}/", f"/traces/{mailed.pk}/roll-back/")
    for path in paths:
        page = client.get(path)
        assert page.status_code == 200 and MAIL not in page.content.decode(), path


def test_r42_a_call_under_way_keeps_what_people_decided_on_and_loses_it_at_rest(cast, desk):
    """Erasing its bytes would change what runs; the digest would block it, and nobody would know why."""
    trace = planned(cast)
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, "desk.refund.create"), first)
    work(trace)
    assert erase(cast).under_way == 1
    vote(cast, request_of(trace, "desk.mail.send"), "maya")
    work(trace)
    assert action(trace, "desk.mail.send").state == "succeeded" and columns_with([MAIL])
    assert sweep().failed == 0
    assert columns_with([MAIL]) == {} and verify(Trace.objects.get(pk=trace.pk)).ok
    said = Entry.objects.count()
    sweep()
    assert Entry.objects.count() == said, "once"


def told_secret(cast) -> str:
    """The owner's note of an account is somebody's own business."""
    plain = sample_plain()
    plain["redact"] = {**plain.get("redact", {}), "desk.account": {"owner_note": "note"}}
    publish(cast, plain)
    return "Ask for Ada Lovelace"


def test_p10_what_was_erased_is_never_written_back(cast, desk):
    secret = told_secret(cast)
    done = wrote(cast, owner_note=secret)
    assert erase(cast, secret).values > 0
    done.refresh_from_db()
    assert (preview(done).how, preview(done).why) == ("none", GONE)
    with pytest.raises(RollbackRefused, match="erased"):
        undo(cast, done, ["owner_note"])
    assert desk.read("/accounts/acct_5521")["owner_note"] == secret


def test_what_was_erased_is_not_asked_for_again(cast, desk):
    secret = told_secret(cast)
    plain = sample_plain()
    plain["redact"] = {**plain.get("redact", {}), "desk.account": {"owner_note": "note"}}
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    step = {"title": "Note", "tool": UPDATE, "arguments": {"account_id": "acct_5521", "fields": {"owner_note": secret}}}
    trace = planned(cast, [step])
    desk.patch("/accounts/acct_5521", {"owner_note": "by hand"})
    vote(cast, ApprovalRequest.objects.get(trace=trace), "ken")
    work(trace)
    blocked = Action.objects.get(trace=trace)
    assert blocked.state == "blocked" and refusal(cast.user("priya"), blocked) == ""
    erase(cast, secret)
    blocked.refresh_from_db()
    assert refusal(cast.user("priya"), blocked) == GONE and GONE in resume_refusal(blocked.plan)


def test_retention_takes_them_from_the_rows_too(cast, mailed):
    with attacker() as cursor:  # No clock of ours may be moved, so the rows become old.
        cursor.execute("UPDATE traces_entry SET at = at - %s", [timedelta(days=401)])
    done = apply_retention(actor=system_actor("retention", ""), workspace_id=cast.northwind.pk, days=400)
    assert done.values > 0 and columns_with([MAIL]) == {}


def test_p7_the_rows_of_another_workspace_stay(cast, mailed):
    erase_subject(actor=system_actor("erasure", ""), workspace_id=cast.lakeside.pk, subject=MAIL, reason="Asked to")
    assert MAIL in "".join(columns_of(mailed)) and not Action.objects.exclude(erased_at=None).exists()


def test_the_command_says_what_is_still_under_way(cast, desk):
    trace = opened(cast)
    planned(cast)
    out = StringIO()
    call_command("remit_erase", MAIL, "--workspace", "northwind", "--reason", "Asked to", stdout=out)
    assert "1 call is still under way" in out.getvalue() and trace.pk not in out.getvalue()
    assert Action.objects.get(erase_asked_at__lte=database_now()).tool_name == "desk.mail.send"


def test_r42_nor_in_an_answer_that_is_kept_for_a_key(cast, desk):
    secret, trace = told_secret(cast), opened(cast)
    told = {"trace_id": trace.pk, "tool": UPDATE}
    told["arguments"] = {"account_id": "acct_5521", "fields": {"owner_note": secret}}
    first = post("tool-calls", told, cast.token, key="k-1").json()
    assert first["executed"]
    assert "actions_idempotencykey.answer" in columns_with([secret])
    erase(cast, secret)
    assert columns_with([secret]) == {}
    again = post("tool-calls", told, cast.token, key="k-1").json()
    assert again["action_id"] == first["action_id"] and again["executed"] and secret not in str(again)
    assert Action.objects.count() == 1


def test_a_key_of_a_withdrawal_is_of_its_action(cast, desk):
    waiting = planned_mail(cast)
    post(f"actions/{waiting.pk}/withdraw", {}, cast.token, key="k-2")
    assert IdempotencyKey.objects.get().resource == waiting.pk


def planned_mail(cast) -> Action:
    return action(planned(cast), "desk.mail.send")
