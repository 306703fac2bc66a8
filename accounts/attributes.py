"""What a workspace's admins say of its people: department, title, region. A policy's steps may ask for it (R-24).

INVARIANT: nobody says it of themself where somebody else is there to. Held by tests/accounts/test_attributes.py.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.acts import record_act, told_person
from accounts.clock import database_now
from accounts.models import PersonAttribute, User, Workspace
from accounts.services import AccountRefused, require_member
from accounts.single import others_than

NAMES = tuple(PersonAttribute.Name.values)
# As the policy language writes them: small ASCII letters, so that two values that look alike are the same.
VALUE = re.compile(r"[a-z0-9]([a-z0-9 ._-]{0,78}[a-z0-9])?")


def set_attribute(*, actor: Actor, workspace: Workspace, user: User, name: str, value: str) -> None:
    """Say it from now on; an empty value takes it away. Capitals and double spaces are made small. Safe to repeat.

    A new value counts for what is asked afterwards. Raises AccountRefused.
    """
    said = _checked(actor, workspace, user, name, value)
    with transaction.atomic():
        # One row is changed by one at a time, also where there is none yet.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        standing = PersonAttribute.objects.filter(workspace=workspace, user=user, name=name).first()
        was = standing.value if standing else ""
        if was == said:
            return
        if standing:
            standing.delete()
        if said:
            PersonAttribute.objects.create(
                workspace=workspace, user=user, name=name, value=said, since=database_now()
            )  # fmt: skip
        body = {"user": told_person(user), "attribute": name, "was": was, "now": said}
        record_act(actor=actor, workspace_id=workspace.pk, type="person.attribute_changed", body=body)


def people_with(workspace_id: str, wanted: Iterable[tuple[str, str]], *, by: datetime | None = None) -> QuerySet[User]:
    """Active members of whom all of it is said, each a name and a value; with `by` since then or earlier. Of nothing: nobody."""
    asked = list(wanted)
    found = User.objects.filter(memberships__workspace=workspace_id, is_active=True).distinct()
    for name, value in asked:
        rows = PersonAttribute.objects.filter(workspace=workspace_id, name=name, value=value)
        found = found.filter(pk__in=(rows.filter(since__lte=by) if by else rows).values("user_id"))
    return found if asked else found.none()


def _checked(actor: Actor, workspace: Workspace, user: User, name: str, value: str) -> str:
    """The value as it is kept. Raises AccountRefused."""
    if name not in NAMES:
        raise AccountRefused("attribute", f"{name} is no attribute. Use one of {', '.join(NAMES)}.")
    require_member("user", user, workspace)
    if (actor.kind, actor.id) == ("user", user.pk) and others_than(user, workspace).exists():
        raise AccountRefused(name, "It may decide what you approve, so somebody else says it of you.")
    said = " ".join(value.lower().split())
    if said and not VALUE.fullmatch(said):
        raise AccountRefused(name, "Write small letters, digits, spaces, _, . or -, 80 at most, as in finance.")
    return said
