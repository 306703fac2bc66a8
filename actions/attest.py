"""What people attest of an outcome that could not be found out: one with evidence, a second who looked too (F-02, 4.1)."""

from django.db import IntegrityError, transaction

from accounts.access import NotVisible, has_permission, require
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.humans import accounts_of
from accounts.models import User
from accounts.permissions import Permission
from actions.machine import StateConflict, move
from actions.models import Action, Attestation
from actions.record import safe, secrets_in
from actions.redaction import mask, mask_name
from actions.reversal import inverse_for
from actions.services import go_on
from actions.states import State
from policies.limits import release, settle
from traces.ledger import append

MIN_EVIDENCE = 20
MIN_REASON = 10


class AttestationRefused(Exception):
    """Nothing was recorded; the message says why."""


def attest(*, actor: Actor, user: User, action: Action, succeeded: bool, evidence: str, link: str) -> Attestation:
    """Say what became of an action that needs a person. It counts once another person agrees.

    Raises AttestationRefused, Forbidden or NotVisible.
    """
    require(user, Permission.TRACE_ROLLBACK, action.workspace)
    said = evidence.strip()
    if len(said) < MIN_EVIDENCE or not link.startswith(("https://", "http://")):
        raise AttestationRefused(
            f"Say in at least {MIN_EVIDENCE} characters what you saw, and link to where others can see it."
        )
    try:
        with transaction.atomic():
            _lock(action)
            made = Attestation.objects.create(
                action=action, succeeded=succeeded, evidence=said[:2000], link=link, by=user, at=database_now()
            )
            append(actor=actor, trace_id=action.trace_id, type="action.attested", body=_told(made))
    except IntegrityError as error:
        raise AttestationRefused("Somebody said what happened meanwhile. Look at what they found.") from error
    return made


def _lock(action: Action) -> Action:
    """The action under its row lock. Raises AttestationRefused when it needs nobody any more."""
    found = Action.objects.select_for_update(of=("self",)).get(pk=action.pk)
    if found.state != State.NEEDS_HUMAN:
        raise AttestationRefused("This action does not need a person.")
    return found


def _told(found: Attestation) -> dict[str, object]:
    word = "It took effect" if found.succeeded else "It had no effect"
    evidence = safe(found.action, found.evidence)
    return {
        "action": found.action_id,
        "step": found.action.step,
        "attestation": found.pk,
        "succeeded": found.succeeded,
        "evidence": evidence,
        "link": mask_name(found.link, secrets_in(found.action)),
        "detail": f"{word}, says {found.by.name}: {evidence}",
    }


def answer(*, actor: Actor, user: User, attestation_id: str, agree: bool, reason: str) -> Attestation:
    """A second person's word on an attestation: agreeing settles the action, declining opens the question again.

    Raises AttestationRefused, Forbidden or NotVisible.
    """
    found = Attestation.objects.select_related("action__workspace", "by").filter(pk=attestation_id).first()
    if found is None:
        raise NotVisible("attestation")
    require(user, Permission.TRACE_ROLLBACK, found.action.workspace)
    if is_theirs(user, found):
        raise AttestationRefused("You said this yourself, so someone else confirms it.")
    if agree and not has_permission(found.by, Permission.TRACE_ROLLBACK, found.action.workspace):
        raise AttestationRefused(f"{found.by.name} may no longer say this here. Decline it, and say what you saw.")
    if not agree and len(reason.strip()) < MIN_REASON:
        raise AttestationRefused(f"Say in at least {MIN_REASON} characters what you saw instead.")
    with transaction.atomic():
        action = _lock(found.action)
        _close(found, user, agree=agree, reason=reason.strip()[:2000])
        if agree:
            _settle(actor, action, found)
        else:
            body = {
                **_told(found),
                "reason": safe(action, found.second_reason),
                "detail": f"{user.name} saw something else.",
            }
            append(actor=actor, trace_id=action.trace_id, type="action.attestation_declined", body=body)
    if agree:
        go_on(actor=actor, action_id=action.pk)
    return found


def is_theirs(user: User, found: Attestation) -> bool:
    """Whether the human behind this account said it, by whichever account of theirs (R-24)."""
    return found.by_id in accounts_of(user)


def _close(found: Attestation, user: User, *, agree: bool, reason: str) -> None:
    state = Attestation.State.CONFIRMED if agree else Attestation.State.DECLINED
    now = database_now()
    mine = Attestation.objects.filter(pk=found.pk, state=Attestation.State.OPEN)
    if mine.update(state=state, second=user, second_at=now, second_reason=reason) != 1:
        raise AttestationRefused("Somebody answered this already.")
    found.refresh_from_db()


def _settle(actor: Actor, action: Action, found: Attestation) -> None:
    to = State.SUCCEEDED_ATTESTED if found.succeeded else State.FAILED_ATTESTED
    # Of what was sent: nothing was read back, so a field that reads otherwise now is a conflict.
    definition = action.definition
    inverse = inverse_for(action, definition, action.changes) if found.succeeded and definition else None
    body = {**_told(found), "inverse": mask(inverse, secrets_in(action))}
    try:
        move(
            actor=actor, action=action, to=to, entry="action.attestation_confirmed", body=body,
            detail=str(body["detail"])[:500], inverse=inverse, finished_at=database_now(),
        )  # fmt: skip
    except StateConflict as error:
        raise AttestationRefused("This action was settled meanwhile.") from error
    if found.succeeded:
        settle(action_id=action.pk)
    else:
        release(action_id=action.pk)
