"""Authenticator and recovery codes: right, once, a few tries, sealed at rest, and each answer in the ledger (V7.5.3)."""

import base64
import time
from datetime import UTC, datetime

import pytest

from accounts.access import NotVisible
from accounts.actors import actor_for_user
from accounts.factors.models import FactorAttempts
from accounts.factors.totp import PURPOSE, readable, step_of
from accounts.models import Factor, RecoveryCode, StepUp
from accounts.sealing import seal_for
from approvals.stepup import services
from approvals.stepup.services import Here, StepUpFailed, StepUpMissing
from tests.stepup.authenticator import Authenticator
from tests.stepup.conftest import age, code_at, enrol_app, enrol_passkey, next_code, session
from traces.models import Entry


def prove(people, here, code):
    return services.prove_with_code(actor=actor_for_user(here.user, people.northwind), here=here, code=code)


def told(people, kind) -> list[dict]:
    return [entry.record for entry in Entry.objects.filter(trace__workspace=people.northwind, type=kind)]


def test_rfc6238_codes_are_those_of_the_standard():
    """Appendix B: the SHA-1 secret, its last six digits."""
    sealed = seal_for(PURPOSE, base64.b32encode(b"12345678901234567890").decode())
    for at, code in ((59, "287082"), (1111111109, "081804"), (2000000000, "279037")):
        assert step_of(sealed, code, datetime.fromtimestamp(at, UTC)) == at // 30
        assert step_of(sealed, code, datetime.fromtimestamp(at + 90, UTC)) is None


def test_secret_is_sealed_and_is_in_no_entry(people, priya):
    factor, codes = enrol_app(priya)
    secret = readable(factor.material)
    assert len(secret) == 32 and secret not in factor.material
    texts = "".join(Entry.objects.values_list("canonical", flat=True))
    stored = "".join(RecoveryCode.objects.values_list("digest", flat=True))
    assert secret not in texts and factor.material not in texts
    assert all(code not in texts + stored and code.replace("-", "") not in texts + stored for code in codes)


def test_code_counts_once(people, priya):
    factor, _ = enrol_app(priya)
    code = next_code(factor)
    assert prove(people, priya, code).method == "totp"
    with pytest.raises(StepUpFailed, match="used already"):
        prove(people, priya, code)
    assert [entry["body"]["method"] for entry in told(people, "step_up.passed")] == ["totp"]
    assert len(told(people, "step_up.failed")) == 1


def test_older_code_than_the_last_one_is_refused(people, priya):
    factor, _ = enrol_app(priya)
    sealed = factor.material
    assert prove(people, priya, code_at(sealed, time.time() + 30))
    with pytest.raises(StepUpFailed):
        prove(people, priya, code_at(sealed, time.time()))


def test_enrolling_code_cannot_be_used_again(people, priya):
    factor, _ = enrol_app(priya, steps_ago=0)
    with pytest.raises(StepUpFailed):
        prove(people, priya, code_at(factor.material, factor.counter * 30))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34 5a", "-12345"])
def test_what_is_not_a_code_is_wrong(people, priya, code):
    enrol_app(priya)
    with pytest.raises(StepUpFailed):
        prove(people, priya, code)


def test_recovery_code_counts_once_and_only_for_its_person(people, priya):
    _, codes = enrol_app(priya)
    ken = Here(people.user("ken"), session())
    assert len(set(codes)) == 10
    with pytest.raises(StepUpFailed):
        prove(people, ken, codes[0])
    assert prove(people, priya, codes[0].lower()).method == "recovery"
    with pytest.raises(StepUpFailed):
        prove(people, priya, codes[0])
    assert prove(people, priya, codes[1]).method == "recovery"


def test_sixth_answer_is_not_looked_at_even_when_right(people, priya):
    """INVARIANT of accounts.factors.attempts."""
    factor, codes = enrol_app(priya)
    for _ in range(5):
        with pytest.raises(StepUpFailed, match="not right"):
            prove(people, priya, "000000")
    with pytest.raises(StepUpFailed, match="5 wrong answers"):
        prove(people, priya, next_code(factor))
    with pytest.raises(StepUpFailed, match="5 wrong answers"):
        prove(people, priya, codes[0])
    assert len(told(people, "step_up.failed")) == 5
    row = FactorAttempts.objects.get(user=priya.user)
    FactorAttempts.objects.filter(pk=row.pk).update(since=row.since - services.FRESH)
    assert prove(people, priya, next_code(factor))


def test_step_up_is_of_one_session_and_five_minutes(people, priya):
    enrol_app(priya)
    assert services.fresh_step_up(priya) is not None
    assert services.fresh_step_up(Here(priya.user, session())) is None
    assert services.fresh_step_up(Here(people.user("ken"), priya.session)) is None
    age(StepUp, minutes=5, seconds=1)
    assert services.fresh_step_up(priya) is None


def test_second_factor_and_removal_need_a_fresh_step_up(people, priya):
    factor, _ = enrol_app(priya)
    age(StepUp, minutes=6)
    for change in (
        lambda: services.begin_totp(priya),
        lambda: services.begin_passkey(priya),
        lambda: services.remove_factor(here=priya, factor_id=factor.pk),
        lambda: services.renew_codes(here=priya),
    ):
        with pytest.raises(StepUpMissing):
            change()
    prove(people, priya, next_code(factor))
    services.remove_factor(here=priya, factor_id=factor.pk)
    assert not Factor.objects.filter(user=priya.user).exists() and not RecoveryCode.objects.exists()
    assert [entry["actor"]["name"] for entry in told(people, "factor.removed")] == ["Priya Nair"]


def test_removed_factor_proves_nothing_in_any_session(people, priya):
    """A lost phone: whoever has it and another session is put out at once, not in five minutes."""
    enrol_app(priya)
    elsewhere = Here(priya.user, session())
    lost = priya.user.factors.get()
    prove(people, elsewhere, next_code(lost))
    kept = Authenticator()
    enrol_passkey(priya, kept)
    services.remove_factor(here=priya, factor_id=lost.pk)
    assert services.fresh_step_up(elsewhere) is None
    assert services.fresh_step_up(priya).method == "passkey"


def test_nobody_touches_a_factor_of_somebody_else(people, priya):
    factor, _ = enrol_app(priya)
    ken = Here(people.user("ken"), session())
    for change in (
        lambda: services.rename_factor(here=ken, factor_id=factor.pk, name="Mine"),
        lambda: services.remove_factor(here=ken, factor_id=factor.pk),
    ):
        with pytest.raises(NotVisible):
            change()
    factor.refresh_from_db()
    assert factor.name == "Phone"


def test_enrolment_is_told_in_every_workspace_of_the_person(people, priya):
    enrol_app(priya)
    assert [entry["body"]["kind"] for entry in told(people, "factor.enrolled")] == ["totp"]
    assert not Entry.objects.filter(trace__workspace=people.lakeside, type__startswith="factor.").exists()
