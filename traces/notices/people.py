"""Who is told for themself: the people a step waits for, and whoever asked. From the ledger and the groups alone.

Being told gives no right: who may decide is judged where it is decided (R-24).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.models import GroupMembership, User, Workspace
from accounts.permissions import Permission
from traces.canonical import parse_instant
from traces.models import Trace
from traces.notices.models import Channel
from traces.notices.said import Scene


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that waits: the request's body, which step, and whom."""

    asked: Mapping[str, Any]
    step: int
    people: list[User]


def waiting_after(scene: Scene) -> Waiting | None:
    """What an `approval.requested` or `approval.verdict_recorded` leaves waiting for new people, if anything."""
    if scene.entry.type == "approval.requested":
        asked, step = scene.record, 1
    else:
        mine = scene.body["approval"]
        asked = next(r for r in reversed(scene.before("approval.requested")) if r["body"]["approval"] == mine)
        step = _opened_step(scene, asked["body"])
        if not step:
            return None
    return Waiting(asked["body"], step, _people(scene, asked, step))


def _opened_step(scene: Scene, asked: Mapping[str, Any]) -> int:
    """The step this verdict opened by filling the one before; 0 for none."""
    body, steps = scene.body, asked["route"]["steps"]
    if body["choice"] != "approve" or body["step"] >= len(steps):
        return 0
    same = ("approval", "step", "choice", "saw")
    given = [r for r in scene.before("approval.verdict_recorded") if all(r["body"][k] == body[k] for k in same)]
    return body["step"] + 1 if len(given) == steps[body["step"] - 1]["quorum"] else 0


def _people(scene: Scene, asked: Mapping[str, Any], step: int) -> list[User]:
    trace = Trace.objects.select_related("workspace", "agent__owner", "on_behalf_of").get(pk=scene.entry.trace_id)
    if asked["body"]["kind"] == "draft":
        return [trace.asker]
    group, since = asked["body"]["route"]["steps"][step - 1]["group"], parse_instant(asked["at"])
    done = {record["actor"]["id"] for record in scene.before("approval.verdict_recorded")}
    barred = done | {trace.asker.pk} | ({trace.agent.owner_id} if trace.agent else set())
    return [user for user in _deciders(trace.workspace, group, since) if user.pk not in barred]


def _deciders(workspace: Workspace, group: str, since: datetime) -> list[User]:
    """Members of the group when it was asked, or without a group everybody, who may decide now."""
    people = User.objects.filter(is_active=True, memberships__workspace=workspace)
    if group:
        joined = GroupMembership.objects.filter(group__workspace=workspace, group__slug=group, joined_at__lte=since)
        people = people.filter(pk__in=joined.values("user_id"))
    people = people.distinct().order_by("pk")
    return [user for user in people if has_permission(user, Permission.APPROVAL_DECIDE, workspace)]


def channels_of(people: list[User], workspace: Workspace, event: str) -> list[Channel]:
    """Their own channels that carry this event; none without a mail server."""
    if not settings.REMIT_MAIL:
        return []
    found = [personal_channel(user, workspace) for user in people]
    return [channel for channel in found if channel.is_active and event in channel.events]


def personal_channel(user: User, workspace: Workspace) -> Channel:
    """A person's own channel, made at first need: told of what waits for them, at once, by mail."""
    made = Channel(
        workspace=workspace, person=user, kind=Channel.Kind.EMAIL, name=user.name, events=["approval.requested"],
        created_at=database_now(),
    )  # fmt: skip
    Channel.objects.bulk_create([made], ignore_conflicts=True)
    return Channel.objects.get(workspace=workspace, person=user)
