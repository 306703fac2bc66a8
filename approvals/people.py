"""One person as the rules of approval see them now: what they may, which groups they are in, which accounts they have."""

from dataclasses import dataclass

from accounts.access import has_permission
from accounts.humans import accounts_of
from accounts.models import GroupMembership, User, Workspace
from accounts.permissions import Permission
from approvals.algebra import Approver


@dataclass(frozen=True, slots=True)
class Person:
    """Read once and asked about many requests. `decides` is the Reviewer's permission in that workspace."""

    user: User
    decides: bool
    approver: Approver

    def refused_in(self, named: dict[str, str]) -> str:
        """The sentence for one of this human's accounts, of those kept from deciding; "" where none is."""
        return next((named[account] for account in sorted(self.approver.accounts) if account in named), "")


def person_in(user: User, workspace: Workspace) -> Person:
    """The person behind an account, in one workspace."""
    memberships = GroupMembership.objects.filter(user=user, group__workspace=workspace)
    groups = dict(memberships.values_list("group__slug", "joined_at"))
    decides = has_permission(user, Permission.APPROVAL_DECIDE, workspace)
    return Person(user, decides, Approver(user.pk, user.email, groups, accounts_of(user)))
