"""What a workspace's admins, or its people's sign-in, say of them: department, title, region. A step may ask for it (R-24).

INVARIANT: nobody says it of themself where somebody else is there to, nor what the organisation's sign-in says. Held by
tests/accounts/test_attributes.py.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import Actor, system_actor
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


def by_sign_in(user: User) -> frozenset[str]:
    """The attributes that the organisation's sign-in says of this person, and nobody else."""
    return frozenset(settings.REMIT_OIDC_ATTRIBUTES) if user.issuer else frozenset()


def say_at_sign_in(user: User, said: Mapping[str, object]) -> None:
    """What the provider says now, by attribute, in every workspace of the person. What it does not say, or not so that it can
    be kept, is taken away: a doubt lets nobody decide.
    """
    kept = {name: _small(value) if isinstance(value := said.get(name), str) else "" for name in by_sign_in(user)}
    for workspace in Workspace.objects.filter(memberships__user=user).distinct().order_by("pk"):
        actor = system_actor("sign-in", workspace.pk)
        for name, value in sorted(kept.items()):
            allowed = value if VALUE.fullmatch(value) else ""
            set_attribute(actor=actor, workspace=workspace, user=user, name=name, value=allowed)


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
    if actor.kind == "user" and name in by_sign_in(user):
        raise AccountRefused(name, "The organisation’s sign-in says it of this person. Change it there.")
    if (actor.kind, actor.id) == ("user", user.pk) and others_than(user, workspace).exists():
        raise AccountRefused(name, "It may decide what you approve, so somebody else says it of you.")
    said = _small(value)
    if said and not VALUE.fullmatch(said):
        raise AccountRefused(name, "Write small letters, digits, spaces, _, . or -, 80 at most, as in finance.")
    return said


def _small(value: str) -> str:
    return " ".join(value.lower().split())
