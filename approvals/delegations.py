"""Out of office: a person names a delegate for a period. What it lets the delegate decide is judged in `eligibility`.

A delegate decides what the person away could decide, by that person's groups and name, and never what is their own, what the
person could not decide, or what was asked before the delegation was made. The two count as one human on a route (R-24).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.access import NotVisible, has_permission, member_of
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.humans import accounts_of
from accounts.ids import is_id
from accounts.models import Delegation, User, Workspace
from accounts.permissions import Permission
from approvals.access import open_requests_for
from approvals.eligibility import eligibility
from approvals.people import person_in
from traces.canonical import instant
from traces.services import record_governance

LONGEST = timedelta(days=60)


class DelegationRefused(Exception):
    """Nobody was named. `field` is the input at fault; the message says what to do instead."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)


def delegations_visible_to(user: User, workspace: Workspace) -> QuerySet[Delegation]:
    """Those a person gave or received, the newest first; all of them for whoever manages members."""
    found = Delegation.objects.filter(workspace=workspace).select_related("person", "delegate", "workspace")
    if not has_permission(user, Permission.MEMBER_MANAGE, workspace):
        found = found.filter(Q(person=user) | Q(delegate=user))
    return found.order_by("-starts_at", "-id")


def delegates_for(user: User, workspace: Workspace) -> list[User]:
    """The reviewers a person may name."""
    people = User.objects.filter(memberships__workspace=workspace, is_active=True).distinct().order_by("name")
    mine = accounts_of(user)
    return [one for one in people if one.pk not in mine and has_permission(one, Permission.APPROVAL_DECIDE, workspace)]


@dataclass(frozen=True, slots=True)
class Staying:
    """What waits for a person now and goes over to nobody: it was asked before anybody was named (R-24)."""

    count: int
    first_due: datetime | None


def stays_with(user: User, workspace: Workspace) -> Staying:
    """What this person may decide now by their own right, put aside or not."""
    who = person_in(user, workspace)
    opened = open_requests_for(user, workspace).order_by("expires_at")
    mine = [one for one in opened if (may := eligibility(user, one, who)).may_decide and may.delegation is None]
    return Staying(len(mine), mine[0].expires_at if mine else None)


def name_delegate(
    *,
    actor: Actor,
    user: User,
    workspace: Workspace,
    delegate: str,
    starts_at: datetime,
    ends_at: datetime,
    note: str = "",
) -> Delegation:
    """Let somebody stand in from one instant until another; an earlier start is now. Raises DelegationRefused."""
    with transaction.atomic():
        # INVARIANT: delegations of one workspace are made one after the other, so that two at once make no chain. Held by
        # tests/approvals/test_delegations.py.
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        now = database_now()
        starts_at = max(starts_at, now)
        other = _delegate(actor, user, workspace, delegate)
        _refuse_period(starts_at, ends_at)
        _refuse_overlap(user, other, workspace, starts_at, ends_at)
        made = Delegation.objects.create(
            workspace=workspace, person=user, delegate=other, starts_at=starts_at, ends_at=ends_at,
            note=note.strip()[:200], created_at=now,
        )  # fmt: skip
        body = {**_body(made), "from": instant(starts_at), "until": instant(ends_at), "note": made.note}
        record_governance(actor=actor, workspace_id=workspace.pk, type="delegation.made", body=body)
    return made


def revoke_delegation(*, actor: Actor, user: User, delegation: Delegation) -> None:
    """End it at once: by who gave it, who received it, or an owner. Votes under it that have not run no longer count.

    Nothing where it ended already. Raises NotVisible for anybody else.
    """
    with transaction.atomic():
        locked = Delegation.objects.select_for_update(of=("self",)).select_related("person", "delegate")
        found = locked.get(pk=delegation.pk)
        owner = has_permission(user, Permission.MEMBER_MANAGE, delegation.workspace)
        if not owner and user.pk not in {found.person_id, found.delegate_id}:
            raise NotVisible("delegation")
        if found.revoked_at is None:
            found.revoked_at = database_now()
            found.save(update_fields=["revoked_at"])
            record_governance(
                actor=actor, workspace_id=found.workspace_id, type="delegation.revoked", body=_body(found)
            )


def get_delegation_for(user: User, workspace: Workspace, delegation_id: str) -> Delegation:
    """One this person sees. Raises NotVisible."""
    visible = delegations_visible_to(user, workspace)
    found = visible.filter(pk=delegation_id).first() if is_id("dlg", delegation_id) else None
    if found is None:
        raise NotVisible("delegation")
    return found


def _body(made: Delegation) -> dict[str, object]:
    person = {"id": made.person_id, "name": made.person.name}
    return {"delegation": made.pk, "person": person, "delegate": {"id": made.delegate_id, "name": made.delegate.name}}


def _delegate(actor: Actor, user: User, workspace: Workspace, email: str) -> User:
    if (actor.kind, actor.id) != ("user", user.pk):
        raise DelegationRefused("delegate", "A delegate is named by the person who is signed in.")
    if not has_permission(user, Permission.APPROVAL_DECIDE, workspace):
        raise DelegationRefused("delegate", "You decide nothing here, so nobody can stand in for you.")
    try:
        other = member_of(workspace.pk, email)
    except NotVisible as error:
        raise DelegationRefused("delegate", "There is no active person of this name here.") from error
    if other.pk in accounts_of(user):
        raise DelegationRefused("delegate", "This is an account of your own. Name somebody else.")
    if not has_permission(other, Permission.APPROVAL_DECIDE, workspace):
        raise DelegationRefused("delegate", f"{other.name} is no reviewer. A workspace owner can grant the role.")
    return other


def _refuse_period(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise DelegationRefused("ends_at", "Choose an end that is later than its start and later than now.")
    if ends_at - starts_at > LONGEST:
        raise DelegationRefused("ends_at", f"At most {LONGEST.days} days. Name somebody again when they are over.")


def _refuse_overlap(user: User, other: User, workspace: Workspace, starts_at: datetime, ends_at: datetime) -> None:
    """One delegate at a time, and no chains: whoever stands in is not away then, and whoever is away stands in for nobody."""
    alive = Delegation.objects.filter(
        workspace=workspace, revoked_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    mine, theirs = accounts_of(user), accounts_of(other)
    rules: Sequence[tuple[Q, str]] = (
        (Q(person__in=mine), "You named a delegate for part of this time already. Take that back first."),
        (Q(delegate__in=mine), "You stand in for somebody else in this time. What is theirs cannot be passed on."),
        (Q(person__in=theirs), f"{other.name} is away for part of this time. Name somebody who is there."),
    )
    for clash, sentence in rules:
        if alive.filter(clash).exists():
            raise DelegationRefused("delegate", sentence)
