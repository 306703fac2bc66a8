"""A passkey's signature on a verdict is verified again at dispatch; what stands in the row alone is no passkey (R-25, B-03)."""

import json

import pytest
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestedCredentialData

from accounts.factors import passkeys
from accounts.models import Factor
from actions.services import apply_verdict
from actions.states import State
from approvals.models import Verdict
from approvals.statement import challenge_of
from tests.builders import action, planned, request_of, work
from tests.stepup.authenticator import Authenticator
from tests.stepup.conftest import ask_for, browser
from tests.stepup.test_confirm_page import approve, enrol_key

REFUND = "desk.refund.create"


@pytest.fixture
def refund(cast):
    """Its first step approved with a passkey that only proved the session."""
    ask_for(cast, "totp")
    found = request_of(planned(cast), REFUND)
    priya = browser(cast, "priya")
    enrol_key(priya)
    assert approve(priya, found)["Location"] == f"/approvals/{found.pk}/"
    ask_for(cast, "passkey")
    return found


def by_key(cast, refund, first) -> Authenticator:
    client = browser(cast, first)
    key = enrol_key(client)
    approve(client, refund)
    asked = client.post(f"/approvals/{refund.pk}/confirm/options/").json()
    data = {"challenge": asked["challenge"], "answer": key.get(asked["publicKey"])}
    assert client.post(f"/approvals/{refund.pk}/confirm/", data)["Location"] == f"/approvals/{refund.pk}/"
    return key


@pytest.fixture
def signed(cast):
    """Both steps approved by passkeys that signed."""
    ask_for(cast, "passkey")
    found = request_of(planned(cast), REFUND)
    for first in ("priya", "tomas"):
        by_key(cast, found, first)
    return found


def ended(found) -> tuple[str, str]:
    apply_verdict(request_id=found.pk)
    work(found.trace)
    ran = action(found.trace, REFUND)
    return ran.state, ran.detail


def put(found, assertion) -> None:
    verdict = Verdict.objects.get(request=found, step=1)
    Verdict.objects.filter(pk=verdict.pk).update(signed={**verdict.signed, "assertion": assertion})


def test_passkeys_that_signed_are_verified_and_it_runs(signed):
    assert ended(signed)[0] == State.SUCCEEDED


def empty(found):
    put(found, {})


def none_at_all(found):
    put(found, None)


def of_another_verdict(found):
    put(found, Verdict.objects.get(request=found, step=2).signed["assertion"])


def cut_signature(found):
    put(found, Verdict.objects.get(request=found, step=1).signed["assertion"] | {"signature": "AAAA"})


def removed_passkey(found):
    Factor.objects.filter(user=Verdict.objects.get(request=found, step=1).user).delete()


def key_of_the_intruder(found):
    """With the database: a passkey of one's own, and its true signature of the person's statement."""
    verdict = Verdict.objects.get(request=found, step=1)
    thief = Authenticator()
    options = {"challenge": websafe_encode(challenge_of(verdict.signed["statement"]))}
    answer = json.loads(thief.get(options))
    public = _attested(thief)
    Factor.objects.create(
        user=verdict.user, kind="passkey", name="Mine", credential_id=answer["id"], created_at=verdict.at,
        material=passkeys.material(public),
    )  # fmt: skip
    told = answer["response"]
    put(found, {
        "credential_id": answer["id"], "public_key": passkeys._plain_key(public.public_key),
        "client_data": told["clientDataJSON"], "authenticator_data": told["authenticatorData"],
        "signature": told["signature"],
    })  # fmt: skip


def _attested(thief: Authenticator):
    return AttestedCredentialData.create(bytes(16), thief.id, ES256.from_cryptography_key(thief.key.public_key()))


FORGED = [empty, none_at_all, of_another_verdict, cut_signature, removed_passkey, key_of_the_intruder]


@pytest.mark.parametrize("forge", FORGED, ids=[forge.__name__ for forge in FORGED])
def test_assertion_that_does_not_verify_is_no_passkey(signed, desk, forge):
    """INVARIANT of approvals.statement."""
    forge(signed)
    state, detail = ended(signed)
    assert state == State.BLOCKED and "without the step-up that is asked now" in detail
    assert desk.read("/orders/48213")["refunds"] == []


def test_session_proof_by_a_passkey_does_not_become_its_signature(cast, refund, desk):
    by_key(cast, refund, "tomas")
    put(refund, {"credential_id": "x"})
    state, detail = ended(refund)
    assert state == State.BLOCKED and "Priya Nair approved without the step-up" in detail
    assert desk.read("/orders/48213")["refunds"] == []
