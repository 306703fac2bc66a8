"""One person as the rules of approval see them now: what they may, which groups they are in, which accounts they have."""

from dataclasses import dataclass, replace

from accounts.access import delegations_now, has_permission
from accounts.humans import accounts_of
from accounts.models import Delegation, GroupMembership, PersonAttribute, SingleOperator, User, Workspace
from accounts.permissions import Permission
from accounts.single import mode_now
from approvals.algebra import Approver


@dataclass(frozen=True, slots=True)
class Person:
    """Read once and asked about many requests. `decides` is the Reviewer's permission in that workspace."""

    user: User
    decides: bool
    approver: Approver
    # Those who are away and whom this person stands in for now. Who stands in is never stood in for: there are no chains.
    stands_for: "tuple[StandIn, ...]" = ()
    # Where this person is the only one there is, and said so: it may lift separation of duties, and nothing else.
    single: SingleOperator | None = None

    def refused_in(self, named: dict[str, str]) -> str:
        """The sentence for one of this human's accounts, of those kept from deciding; "" where none is."""
        return next((named[account] for account in sorted(self.approver.accounts) if account in named), "")


@dataclass(frozen=True, slots=True)
class StandIn:
    """A delegation that counts now, with the person who is away."""

    delegation: Delegation
    person: Person


def person_in(user: User, workspace: Workspace) -> Person:
    """The person behind an account, in one workspace, with those they stand in for, or the mode they are alone in."""
    away = delegations_now(workspace).filter(delegate=user)
    stands_for = tuple(StandIn(one, themself(one.person, workspace)) for one in away)
    mode = mode_now(workspace)
    single = mode if mode is not None and mode.user_id == user.pk else None
    return replace(themself(user, workspace), stands_for=stands_for, single=single)


def themself(user: User, workspace: Workspace) -> Person:
    """The same by their own right alone."""
    memberships = GroupMembership.objects.filter(user=user, group__workspace=workspace)
    groups = dict(memberships.values_list("group__slug", "joined_at"))
    said = PersonAttribute.objects.filter(user=user, workspace=workspace).values_list("name", "value", "since")
    attributes = {(name, value): since for name, value, since in said}
    decides = has_permission(user, Permission.APPROVAL_DECIDE, workspace)
    return Person(user, decides, Approver(user.pk, user.email, groups, accounts_of(user), attributes))
