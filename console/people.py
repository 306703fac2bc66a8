"""The people of a workspace as its admins see them: roles, groups and what is said of each. Reads only."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import GroupMembership, Membership, PersonAttribute, User, Workspace


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person; `attributes` are name and value."""

    user: User
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]


def people_of(workspace: Workspace) -> list[PersonLine]:
    """Everybody with a role, by name. Four queries, however many they are."""
    roles = _by_person(Membership.objects.filter(workspace=workspace).order_by("role").values_list("user", "role"))
    groups = GroupMembership.objects.filter(group__workspace=workspace).order_by("group__name")
    named = _by_person(groups.values_list("user", "group__name"))
    said: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for attribute in PersonAttribute.objects.filter(workspace=workspace).order_by("name"):
        said[attribute.user_id].append((attribute.name, attribute.value))
    found = User.objects.filter(pk__in=roles).order_by("name", "pk")
    return [
        PersonLine(user, tuple(_words(roles[user.pk])), tuple(named[user.pk]), tuple(said[user.pk])) for user in found
    ]


def _by_person(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for user, value in rows:
        found[user].append(value)
    return found


def _words(roles: list[str]) -> list[str]:
    return [role.replace("_", " ").capitalize() for role in roles]
