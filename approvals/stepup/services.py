"""Verbs on second factors and step-ups. Each writes its governance entry in the same transaction; wrong answers too."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from fido2.utils import websafe_encode

from accounts.access import NotVisible, workspaces_visible_to
from accounts.actors import Actor, actor_for_user
from accounts.clock import database_now
from accounts.factors import attempts, passkeys, recovery, totp
from accounts.factors.challenges import ChallengeGone, ask, take, value_of
from accounts.models import Challenge, Factor, StepUp, User
from approvals.requirement import FRESH
from approvals.statement import Proof
from traces.canonical import parse_instant
from traces.services import record_governance

MOST_FACTORS = 10
Purpose = Challenge.Purpose
Method = StepUp.Method


class StepUpFailed(Exception):
    """The answer was not right, or came too late or too often. Nothing was proven; the message is for the person."""


class StepUpMissing(Exception):
    """This needs a fresh step-up first."""


@dataclass(frozen=True, slots=True)
class Here:
    """Who acts in which session: everything proven belongs to both."""

    user: User
    session: str


def fresh_step_up(here: Here) -> StepUp | None:
    """The newest proof of this person in this session, if it is not older than five minutes by the database's clock."""
    newest = StepUp.objects.filter(user=here.user, session=here.session).order_by("-at").first()
    return newest if newest and database_now() - newest.at <= FRESH else None


def proof_of(found: StepUp | None) -> Proof | None:
    """A step-up as a verdict takes it."""
    return Proof(found.user_id, found.method, found.at) if found else None


def begin_totp(here: Here) -> Challenge:
    """A new secret, waiting for its first code. Raises StepUpMissing."""
    _refuse_unproven_change(here)
    return ask(here.user, here.session, Purpose.ENROL, subject={"totp": totp.new_secret()})


def confirm_totp(*, here: Here, challenge_id: str, name: str, code: str) -> list[str]:
    """Enrol an authenticator app by its first code; gives new recovery codes if there were none. Raises StepUpFailed."""
    _refuse_unproven_change(here)
    with transaction.atomic():
        counter = _begin(here.user)
        waiting = Challenge.objects.filter(
            pk=challenge_id, user=here.user, session=here.session, purpose=Purpose.ENROL, used_at=None
        ).first()
        if waiting is None or waiting.expires_at <= database_now() or "totp" not in waiting.subject:
            raise StepUpFailed("This took too long. Add the app again.")
        sealed = waiting.subject["totp"]
        step = totp.step_of(sealed, code, database_now())
        if step is not None:
            take(here.user, here.session, Purpose.ENROL, challenge_id)
            # Only the factor keeps the secret.
            Challenge.objects.filter(pk=challenge_id).update(subject={})
            attempts.passed(counter)
            factor = _new(here, kind=Factor.Kind.TOTP, name=name, material=sealed, counter=step)
            return _enrolled(here, factor, Method.TOTP)
        _note_failure(here, counter, "authenticator code at enrolment")
    raise StepUpFailed("This code is not right. Check the clock of the phone, and try the next one.")


def begin_passkey(here: Here) -> tuple[Challenge, dict[str, Any]]:
    """A challenge and what the browser is asked to make. Raises StepUpMissing."""
    _refuse_unproven_change(here)
    made = ask(here.user, here.session, Purpose.ENROL)
    return made, passkeys.creation_options(here.user, value_of(made))


def finish_passkey(*, here: Here, challenge_id: str, name: str, answer: str) -> list[str]:
    """Enrol a passkey; gives new recovery codes if there were none. Raises StepUpFailed."""
    _refuse_unproven_change(here)
    with transaction.atomic():
        counter = _begin(here.user)
        try:
            challenge = take(here.user, here.session, Purpose.ENROL, challenge_id)
            made = passkeys.registered(challenge, answer)
        except (ChallengeGone, passkeys.PasskeyRefused) as error:
            _note_failure(here, counter, str(error))
        else:
            attempts.passed(counter)
            factor = _new(
                here, kind=Factor.Kind.PASSKEY, name=name, material=passkeys.material(made),
                credential_id=websafe_encode(made.credential_id),
            )  # fmt: skip
            return _enrolled(here, factor, Method.PASSKEY)
    raise StepUpFailed("The passkey was not added. Try again.")


def _new(here: Here, *, name: str, **columns: Any) -> Factor:
    if here.user.factors.count() >= MOST_FACTORS:
        raise StepUpFailed(f"You have {MOST_FACTORS} already. Remove one first.")
    try:
        with transaction.atomic():
            return Factor.objects.create(
                user=here.user, name=name.strip()[:80] or "Unnamed", created_at=database_now(), **columns
            )
    except IntegrityError as error:
        raise StepUpFailed("This passkey is enrolled already.") from error


def _enrolled(here: Here, factor: Factor, method: Method) -> list[str]:
    """Enrolling a factor proves it as well."""
    _tell(here.user, "factor.enrolled", _about(factor))
    _prove(here, method, factor.pk)
    return _renew(here) if recovery.left(here.user) == 0 else []


def rename_factor(*, here: Here, factor_id: str, name: str) -> None:
    """Give a factor another name. Raises NotVisible."""
    with transaction.atomic():
        factor = own_factor(here.user, factor_id)
        was, factor.name = factor.name, name.strip()[:80] or factor.name
        factor.save(update_fields=["name"])
        _tell(here.user, "factor.renamed", {**_about(factor), "was": was})


def remove_factor(*, here: Here, factor_id: str) -> None:
    """Forget a factor and all it proved; without any left, its recovery codes go too. Raises NotVisible, StepUpMissing."""
    with transaction.atomic():
        factor = own_factor(here.user, factor_id)
        _require_fresh(here)
        _tell(here.user, "factor.removed", _about(factor))
        StepUp.objects.filter(user=here.user, factor=factor.pk).delete()
        factor.delete()
        if not here.user.factors.exists():
            here.user.recovery_codes.all().delete()


def renew_codes(*, here: Here) -> list[str]:
    """Ten new recovery codes, returned once; earlier ones are void. Raises StepUpMissing."""
    with transaction.atomic():
        _require_fresh(here)
        return _renew(here)


def _renew(here: Here) -> list[str]:
    codes = recovery.renew(here.user, database_now())
    _tell(here.user, "recovery_codes.made", {"count": len(codes)})
    return codes


def prove_with_code(*, actor: Actor, here: Here, code: str) -> StepUp:
    """Prove by an authenticator code or a recovery code; either counts once. Raises StepUpFailed."""
    with transaction.atomic():
        counter = _begin(here.user)
        now = database_now()
        for factor in here.user.factors.filter(kind=Factor.Kind.TOTP):
            if totp.accept(factor, code, now):
                return _passed(actor, here, counter, Method.TOTP, factor.pk)
        if recovery.accept(here.user, code, now):
            return _passed(actor, here, counter, Method.RECOVERY, "")
        _note_failure(here, counter, "code")
    raise StepUpFailed("This code is not right, or was used already. Wait for the next one.")


def prove_at_terminal(*, actor: Actor, user: User, password: str, code: str) -> Proof:
    """Prove by both what a person knows and what they have: for one verdict of one run, where no session is. Raises StepUpFailed.

    A wrong password counts as a wrong answer does, and no code is looked at after one.
    """
    here = Here(user, secrets.token_hex(32))
    with transaction.atomic():
        counter = _begin(user)
        known = user.is_active and user.has_usable_password() and user.check_password(password)
        if not known:
            _note_failure(here, counter, "password at the command line")
    if not known:
        raise StepUpFailed("This is not the password of this person.")
    made = prove_with_code(actor=actor, here=here, code=code)
    return Proof(user.pk, made.method, made.at)


def ask_passkey(
    here: Here, purpose: Purpose, *, statement: Mapping[str, Any] | None = None, value: bytes | None = None
) -> tuple[Challenge, dict[str, Any]]:
    """A challenge for this person's passkeys; for a verdict it is the digest of the statement it signs."""
    made = ask(here.user, here.session, purpose, value=value, subject=statement)
    return made, passkeys.request_options(here.user, value_of(made), purpose)


def prove_with_passkey(*, actor: Actor, here: Here, purpose: Purpose, challenge_id: str, answer: str) -> Proof:
    """Prove by a passkey's answer to a challenge of this session. Raises StepUpFailed.

    For a verdict the proof carries the statement that the passkey signed.
    """
    with transaction.atomic():
        counter = _begin(here.user)
        try:
            challenge = take(here.user, here.session, purpose, challenge_id)
            factor, assertion = passkeys.accept(here.user, challenge, answer, database_now())
        except (ChallengeGone, passkeys.PasskeyRefused) as error:
            _note_failure(here, counter, str(error))
        else:
            made = _passed(actor, here, counter, Method.PASSKEY, factor.pk)
            said = challenge.subject or None
            at = parse_instant(said["step_up"]["at"]) if said else made.at
            return Proof(here.user.pk, Method.PASSKEY.value, at, said, assertion if said else None)
    raise StepUpFailed("The passkey's answer does not hold. Try again.")


def _begin(user: User) -> Any:
    try:
        return attempts.begin(user)
    except attempts.TooManyAttempts as error:
        raise StepUpFailed(str(error)) from error


def _passed(actor: Actor, here: Here, counter: Any, method: Method, factor: str) -> StepUp:
    attempts.passed(counter)
    made = _prove(here, method, factor)
    body = {"method": method.value, "factor": factor, "session": _short(here)}
    record_governance(actor=actor, workspace_id=actor.workspace_id, type="step_up.passed", body=body)
    return made


def _prove(here: Here, method: Method, factor: str) -> StepUp:
    return StepUp.objects.create(
        user=here.user, session=here.session, method=method.value, factor=factor, at=database_now()
    )


def _note_failure(here: Here, counter: Any, why: str) -> None:
    attempts.failed(counter)
    body = {"why": why[:200], "failures": counter.failures, "session": _short(here)}
    _tell(here.user, "step_up.failed", body)


def _tell(user: User, type: str, body: Mapping[str, Any]) -> None:
    """In every workspace this person belongs to: their factors count in each of them."""
    for workspace in workspaces_visible_to(user).order_by("pk"):
        record_governance(actor=actor_for_user(user, workspace), workspace_id=workspace.pk, type=type, body=body)


def _about(factor: Factor) -> dict[str, str]:
    return {"factor": factor.pk, "kind": factor.kind, "name": factor.name}


def _short(here: Here) -> str:
    return hashlib.sha256(here.session.encode("utf-8")).hexdigest()[:16]


def own_factor(user: User, factor_id: str) -> Factor:
    """A factor of this person. Raises NotVisible."""
    found = user.factors.filter(pk=factor_id).first() if factor_id.isprintable() else None
    if found is None:
        raise NotVisible("factor")
    return found


def _require_fresh(here: Here) -> None:
    if fresh_step_up(here) is None:
        raise StepUpMissing("Prove who you are first.")


def _refuse_unproven_change(here: Here) -> None:
    """The first factor needs the session alone; every later one needs a factor that is there (or a recovery code)."""
    if here.user.factors.exists():
        _require_fresh(here)
