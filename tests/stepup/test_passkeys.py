"""Passkeys under attack: each lie of an authenticator, a browser or a thief is refused, counted and ledgered."""

import json

import pytest

from accounts.actors import actor_for_user
from accounts.models import Challenge, Factor, StepUp
from approvals.stepup import services
from approvals.stepup.services import Here, StepUpFailed
from tests.stepup.authenticator import Authenticator
from tests.stepup.conftest import age, enrol_app, enrol_passkey, session
from traces.models import Entry

STEP_UP = Challenge.Purpose.STEP_UP


def ask(here):
    made, options = services.ask_passkey(here, STEP_UP)
    return made.pk, options["publicKey"]


def give(people, here, challenge_id, answer, purpose=STEP_UP):
    actor = actor_for_user(here.user, people.northwind)
    return services.prove_with_passkey(
        actor=actor, here=here, purpose=purpose, challenge_id=challenge_id, answer=answer
    )


def refused(people, here, challenge_id, answer, purpose=STEP_UP) -> str:
    """Why, as the ledger has it."""
    before = StepUp.objects.count()
    with pytest.raises(StepUpFailed):
        give(people, here, challenge_id, answer, purpose)
    assert StepUp.objects.count() == before
    return Entry.objects.filter(type="step_up.failed").latest("at").record["body"]["why"]


def test_honest_passkey_proves(people, priya, key):
    enrol_passkey(priya, key)
    challenge, options = ask(priya)
    assert [one["id"] for one in options["allowCredentials"]] == [Factor.objects.get().credential_id]
    assert give(people, priya, challenge, key.get(options)).method == "passkey"


LIES = {
    "another origin": {"client": {"origin": "http://evil.example"}},
    "another port": {"client": {"origin": "http://localhost:8001"}},
    "a longer host": {"client": {"origin": "http://localhost:8000.evil.example"}},
    "https instead": {"client": {"origin": "https://localhost:8000"}},
    "another challenge": {"client": {"challenge": "A" * 43}},
    "no challenge": {"client": {"challenge": ""}},
    "framed elsewhere": {"client": {"crossOrigin": True}},
    "another party": {"rp": "evil.example"},
    "nobody present": {"flags": 0},
    "creation as answer": {"client": {"type": "webauthn.create"}},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_every_lie_of_an_answer_is_refused(people, priya, key, lie):
    enrol_passkey(priya, key)
    challenge, options = ask(priya)
    assert refused(people, priya, challenge, key.get(options, **lie))


@pytest.mark.parametrize("lie", [lie for name, lie in LIES.items() if name != "creation as answer"])
def test_every_lie_of_a_new_passkey_is_refused(people, priya, key, lie):
    with pytest.raises(StepUpFailed):
        enrol_passkey(priya, key, **({"flags": 64} if "flags" in lie else lie))
    assert not Factor.objects.exists()


def test_answer_counts_once(people, priya, key):
    enrol_passkey(priya, key)
    challenge, options = ask(priya)
    answer = key.get(options)
    give(people, priya, challenge, answer)
    assert "answered already" in refused(people, priya, challenge, answer)


def test_wrong_answer_uses_its_challenge_up(people, priya, key):
    enrol_passkey(priya, key)
    challenge, options = ask(priya)
    refused(people, priya, challenge, key.get(options, rp="evil.example"))
    assert "answered already" in refused(people, priya, challenge, key.get(options))


def test_challenge_is_of_one_person_one_session_one_purpose_and_five_minutes(people, priya, key):
    enrol_passkey(priya, key)
    ken = Here(people.user("ken"), session())
    other_session = Here(priya.user, session())
    challenge, options = ask(priya)
    answer = key.get(options)
    for here, purpose in ((ken, STEP_UP), (other_session, STEP_UP), (priya, Challenge.Purpose.VERDICT)):
        assert "answered already" in refused(people, here, challenge, answer, purpose)
    age(Challenge, minutes=5, seconds=1)
    assert "answered already" in refused(people, priya, challenge, answer)


def test_passkey_of_somebody_else_proves_nothing(people, priya, key):
    ken, theirs = Here(people.user("ken"), session()), Authenticator()
    enrol_passkey(ken, theirs)
    enrol_passkey(priya, key)
    challenge, options = ask(priya)
    assert "Unknown credential" in refused(people, priya, challenge, theirs.get(options))


def test_stolen_id_with_another_key_proves_nothing(people, priya, key):
    enrol_passkey(priya, key)
    thief = Authenticator()
    thief.id = key.id
    challenge, options = ask(priya)
    assert "signature" in refused(people, priya, challenge, thief.get(options))


@pytest.mark.parametrize("counter", [7, 6, 0])
def test_counter_that_does_not_go_forward_is_refused(people, priya, key, counter):
    enrol_passkey(priya, key)
    challenge, options = ask(priya)
    give(people, priya, challenge, key.get(options, counter=7))
    challenge, options = ask(priya)
    assert "may be a copy" in refused(people, priya, challenge, key.get(options, counter=counter))
    challenge, options = ask(priya)
    assert give(people, priya, challenge, key.get(options, counter=8))


def test_authenticator_without_a_counter_is_accepted(people, priya, key):
    enrol_passkey(priya, key)
    for _ in range(2):
        challenge, options = ask(priya)
        assert give(people, priya, challenge, key.get(options, counter=0))


def test_passkey_is_enrolled_once(people, priya, key):
    enrol_passkey(priya, key)
    ken = Here(people.user("ken"), session())
    with pytest.raises(StepUpFailed, match="enrolled already"):
        enrol_passkey(ken, key)


def test_removed_passkey_proves_nothing(people, priya, key):
    enrol_app(priya)
    enrol_passkey(priya, key)
    services.remove_factor(here=priya, factor_id=Factor.objects.get(kind="passkey").pk)
    challenge, options = ask(priya)
    assert "Unknown credential" in refused(people, priya, challenge, key.get(options))


@pytest.mark.parametrize("answer", ["", "[]", "{", "null", '{"id": 1}', "[" * 9000, json.dumps({"rawId": "x" * 70000})])
def test_what_is_no_answer_is_refused(people, priya, key, answer):
    enrol_passkey(priya, key)
    challenge, _ = ask(priya)
    assert refused(people, priya, challenge, answer)
