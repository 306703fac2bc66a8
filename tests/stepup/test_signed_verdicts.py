"""A verdict is signed over what was displayed, by a key that workers cannot open (P3, P4, R-25, B-03).

What dispatch answers to any change is in tests/approvals/test_binding.py.
"""

import pytest
from django.db import connection

from accounts.sealing import SealBroken, unseal_for
from actions.binding import bound
from actions.states import State
from approvals.models import ApprovalKey, ApprovalRequest, Verdict
from approvals.services import NotSigned
from approvals.signing import PURPOSE, rotate_approval_key, sign, signature_holds
from approvals.statement import broken
from tests.builders import action, planned, request_of, vote, work
from traces.models import Entry

REFUND = "desk.refund.create"


@pytest.fixture
def request_(cast):
    return request_of(planned(cast), REFUND)


@pytest.fixture
def approved(cast, request_):
    """Approved by both steps, not run yet."""
    vote(cast, request_, "priya")
    vote(cast, request_, "tomas")
    request_.refresh_from_db()
    return request_


def ended(approved) -> tuple[str, str]:
    work(approved.trace)
    found = action(approved.trace, REFUND)
    return found.state, found.detail


def test_statement_names_everything_the_approval_binds(cast, approved):
    found = action(approved.trace, REFUND)
    said = Verdict.objects.filter(request=approved).first().signed["statement"]
    assert (said["workspace"], said["action"], said["approver"]) == (
        cast.northwind.pk, found.pk, cast.user("priya").pk,
    )  # fmt: skip
    assert (said["choice"], said["step"], said["digest"], said["step_up"]) == ("approve", 1, found.digest, None)
    assert said["bound"]["tool"] == found.tool_digest and said["bound"]["policy"]["version"] == 1
    assert said["bound"]["arguments"].startswith("sha256:") and said["bound"]["prestate"].startswith("sha256:")
    assert said["displayed"].startswith("sha256:") and len(said["nonce"]) == 32 and said["expires"].endswith("Z")


def test_signed_verdict_runs_and_stands_in_the_ledger(cast, approved):
    assert ended(approved)[0] == State.SUCCEEDED
    entries = [
        entry.record
        for entry in Entry.objects.filter(trace=approved.trace, type="approval.verdict_recorded").order_by("seq")
        if entry.record["body"]["action"] == approved.action_id
    ]
    for entry in entries:
        signed = entry["body"]["signed"]
        assert signature_holds(signed["statement"], signed["key"], signed["signature"])
        assert signed["statement"]["approver"] == entry["actor"]["id"]
    assert len({entry["body"]["signed"]["statement"]["nonce"] for entry in entries}) == 2
    known = Entry.objects.get(trace__workspace=cast.northwind, type="approval_key.used").record["body"]
    assert known["public"] == ApprovalKey.objects.get().public


def test_key_that_is_not_registered_proves_nothing(approved, settings):
    """INVARIANT of approvals.signing."""
    verdict = Verdict.objects.filter(request=approved).first()
    signed = verdict.signed
    assert signature_holds(signed["statement"], signed["key"], signed["signature"])
    settings.REMIT_APPROVAL_KEYS = ["AAAA"]
    assert not signature_holds(signed["statement"], signed["key"], signed["signature"])
    settings.REMIT_APPROVAL_KEYS = []
    ApprovalKey.objects.update(public="A" * 43 + "=")
    assert not signature_holds(signed["statement"], signed["key"], signed["signature"])


def test_b03_key_of_approvals_is_not_opened_by_the_installations_key(approved, settings):
    """A worker has REMIT_SECRET_KEY and the database, and can neither open the key nor sign."""
    row = ApprovalKey.objects.get()
    with pytest.raises(SealBroken):
        unseal_for(PURPOSE, row.sealed)
    with pytest.raises(SealBroken):
        unseal_for(PURPOSE, row.sealed, [settings.SECRET_KEY])


def test_process_without_the_secret_verifies_but_does_not_sign(cast, request_, settings, desk):
    vote(cast, request_, "priya")
    secrets, settings.REMIT_APPROVAL_SECRETS = settings.REMIT_APPROVAL_SECRETS, []
    with pytest.raises(NotSigned, match="REMIT_APPROVAL_SECRET is not set here"):
        vote(cast, request_, "tomas")
    request_.refresh_from_db()
    assert request_.is_open and request_.verdicts.count() == 1
    settings.REMIT_APPROVAL_SECRETS = secrets
    vote(cast, request_, "tomas")
    settings.REMIT_APPROVAL_SECRETS = []
    assert ended(request_)[0] == State.SUCCEEDED


def test_no_is_recorded_even_when_it_cannot_be_signed(cast, request_, settings):
    settings.REMIT_APPROVAL_SECRETS = []
    vote(cast, request_, "priya", "reject", "Not a duplicate.")
    request_.refresh_from_db()
    assert request_.state == "rejected" and request_.verdicts.get().signed == {}


def test_verdicts_of_an_earlier_key_still_hold_after_a_rotation(cast, request_):
    vote(cast, request_, "priya")
    rotate_approval_key(actor=cast.actor("dana"), reason="A year is over.")
    vote(cast, request_, "tomas")
    assert {v.signed["key"] for v in request_.verdicts.all()} == set(
        ApprovalKey.objects.values_list("public", flat=True)
    )
    assert ended(request_)[0] == State.SUCCEEDED
    assert Entry.objects.filter(trace__workspace=cast.northwind, type="approval_key.rotated").count() == 1


def test_signature_is_over_the_canonical_bytes(cast, approved):
    verdict = Verdict.objects.filter(request=approved).select_related("user").first()
    found = action(approved.trace, REFUND)
    assert broken(verdict, approved, bound(found)) == ""
    turned = dict(reversed(verdict.signed["statement"].items()))
    assert signature_holds(turned, verdict.signed["key"], verdict.signed["signature"])
    other = sign(actor=cast.actor("dana"), workspace_id=cast.northwind.pk, statement={"v": 1})
    assert not signature_holds(verdict.signed["statement"], other.key, other.signature)


def test_request_of_an_older_release_cannot_be_approved_but_rejected(cast, request_):
    ApprovalRequest.objects.filter(pk=request_.pk).update(bound={})
    with pytest.raises(NotSigned, match="before approvals were signed"):
        vote(cast, request_, "priya")
    vote(cast, request_, "priya", "reject", "Ask again.")
    request_.refresh_from_db()
    assert request_.state == "rejected"


def test_r25_signed_column_is_in_the_database(approved):
    """The signature is stored beside the verdict, not only in the ledger."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM approvals_verdict WHERE signed->>'signature' IS NOT NULL")
        assert cursor.fetchone()[0] == 2
