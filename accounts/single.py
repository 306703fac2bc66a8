"""Single-operator mode: in a workspace of one person, that person may decide what separation of duties keeps from them.

An owner turns it on with a reason, and it ends by itself when somebody else has a role: what it lets somebody decide is judged
in `approvals`, which asks `mode_now` each time. INVARIANT: it counts only while nobody else is there, whatever a row says. Held
by tests/accounts/test_single_operator.py.
"""

from django.db import transaction
from django.db.models import QuerySet

from accounts.access import has_permission
from accounts.actors import Actor
from accounts.acts import record_act, told_person
from accounts.clock import database_now
from accounts.models import SingleOperator, User, Workspace
from accounts.permissions import Permission

LEAST = 20
MOST = 1000
NAMED = 3


class SingleOperatorRefused(ValueError):
    """The mode was not changed; the message says what to do instead."""


def others_than(user: User, workspace: Workspace) -> QuerySet[User]:
    """Everybody else who may act here now. Accounts are counted, not humans: that two are one is a guess, and guesses refuse."""
    people = User.objects.filter(memberships__workspace=workspace, is_active=True).exclude(pk=user.pk)
    return people.distinct().order_by("name", "pk")


def mode_now(workspace: Workspace) -> SingleOperator | None:
    """The mode as it holds at this instant; None where it is off, or its person is not alone any more."""
    found = _open_ones().filter(workspace=workspace).first()
    return found if found is not None and not _over(found) else None


def _open_ones() -> QuerySet[SingleOperator]:
    return SingleOperator.objects.filter(ended_at=None).select_related("user", "workspace")


def _over(mode: SingleOperator) -> str:
    """Why a mode no longer holds; "" while it does."""
    if not has_permission(mode.user, Permission.HOME_VIEW, mode.workspace):
        return f"{mode.user.name} has no access any more."
    other = others_than(mode.user, mode.workspace).first()
    return f"{other.name} has a role here." if other else ""


def why_not_single(user: User, workspace: Workspace) -> str:
    """Why this person cannot turn it on; "" where they can."""
    if not has_permission(user, Permission.MEMBER_MANAGE, workspace):
        return "Only an owner turns this on."
    others = [other.name for other in others_than(user, workspace)]
    if not others:
        return ""
    named = others if len(others) <= NAMED else [*others[:NAMED], f"{len(others) - NAMED} more"]
    they = f"{', '.join(named[:-1])} and {named[-1]} have roles" if len(named) > 1 else f"{named[0]} has a role"
    return f"{they} here, so somebody else can decide. Single-operator mode is for a workspace of one person."


def turn_on(*, actor: Actor, user: User, workspace: Workspace, reason: str) -> SingleOperator:
    """From now on, for what is asked from now on. The same mode where it is on. Raises SingleOperatorRefused."""
    with transaction.atomic():
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        # INVARIANT: a person turns it on for themself, never an agent. Held by tests/accounts/test_single_operator.py.
        signed_in = (actor.kind, actor.id) == ("user", user.pk)
        problem = why_not_single(user, workspace) if signed_in else "It is turned on by the person who is signed in."
        if problem or not LEAST <= len(reason.strip()) <= MOST:
            raise SingleOperatorRefused(
                problem or f"Write why, in {LEAST} to {MOST} characters. It stands in the ledger."
            )
        found = mode_now(workspace)
        return found or _made(actor, user, workspace, reason.strip())


def _made(actor: Actor, user: User, workspace: Workspace, reason: str) -> SingleOperator:
    for left_open in _open_ones().filter(workspace=workspace):
        _end(actor, left_open, _over(left_open))
    made = SingleOperator.objects.create(workspace=workspace, user=user, reason=reason, started_at=database_now())
    body = {"mode": made.pk, "user": told_person(user), "reason": reason}
    record_act(actor=actor, workspace_id=workspace.pk, type="single_operator.on", body=body)
    return made


def turn_off(*, actor: Actor, workspace: Workspace) -> None:
    """At once: what was approved under it and has not run counts no more. Nothing where it is off. Callers check who may."""
    with transaction.atomic():
        for mode in _open_ones().select_for_update(of=("self",)).filter(workspace=workspace):
            _end(actor, mode, f"Turned off by {actor.name}.")


def end_where_not_alone(*, actor: Actor, workspace: Workspace | None = None) -> int:
    """Write down the end of modes whose person is not alone any more, of one workspace or of all. Returns how many."""
    with transaction.atomic():
        found = _open_ones().select_for_update(of=("self",))
        over = [(mode, _over(mode)) for mode in (found.filter(workspace=workspace) if workspace else found)]
        ended = [(mode, why) for mode, why in over if why]
        for mode, why in ended:
            _end(actor, mode, why)
    return len(ended)


def _end(actor: Actor, mode: SingleOperator, why: str) -> None:
    mode.ended_at, mode.ended_why = database_now(), why
    mode.save(update_fields=["ended_at", "ended_why"])
    body = {"mode": mode.pk, "user": told_person(mode.user), "why": why}
    record_act(actor=actor, workspace_id=mode.workspace_id, type="single_operator.off", body=body)
