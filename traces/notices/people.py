"""Who is told for themself: the people a step waits for, and whoever asked. From the ledger and the groups alone.

Being told gives no right: who may decide is judged where it is decided (R-24).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts.access import delegations_now, has_permission
from accounts.attributes import people_with
from accounts.clock import database_now
from accounts.models import GroupMembership, User, Workspace
from accounts.permissions import Permission
from accounts.single import mode_now
from traces.canonical import parse_instant
from traces.models import Trace
from traces.notices.events import PERSONAL_AT_FIRST
from traces.notices.models import Channel
from traces.notices.said import Scene, stages


@dataclass(frozen=True, slots=True)
class Waiting:
    """Steps that wait: the request's body, their numbers, and the people they wait for."""

    asked: Mapping[str, Any]
    steps: tuple[int, ...]
    people: list[User]


def waiting_after(scene: Scene) -> Waiting | None:
    """What an `approval.requested` or `approval.verdict_recorded` leaves waiting for new people, if anything."""
    if scene.entry.type == "approval.requested":
        asked = scene.record
        steps = stages(asked["body"]["route"]["steps"])[0]
    else:
        asked = scene.asked()
        given = [record["body"] for record in scene.before("approval.verdict_recorded")]
        steps = opened_by(scene.body, given, asked["body"]["route"]["steps"])
    wanted = [asked["body"]["route"]["steps"][number - 1] for number in steps]
    return Waiting(asked["body"], steps, _people(scene, asked, wanted)) if steps else None


def still_asked(scene: Scene) -> list[User]:
    """Whom an `approval.reminded` reminds: the people of the steps that wait. Of an `approval.escalated`: those it adds."""
    asked, body = scene.asked(), scene.body
    if scene.entry.type == "approval.escalated":
        return _people(scene, asked, [{"group": body["to"]}])
    return _people(scene, asked, [step for step in asked["body"]["route"]["steps"] if step["name"] in body["waiting"]])


def told_of_emergency(scene: Scene) -> list[User]:
    """People of the groups that policy says are told, and of those who review, but for who did it."""
    body, workspace = scene.body, scene.entry.trace.workspace
    groups = [*body["notified"], body["review_group"]]
    people = User.objects.filter(approver_groups__group__workspace=workspace, approver_groups__group__slug__in=groups)
    return list(people.filter(is_active=True).exclude(pk=scene.record["actor"]["id"]).distinct().order_by("pk"))


def opened_by(
    verdict: Mapping[str, Any], given: Iterable[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]
) -> tuple[int, ...]:
    """The steps that begin to wait with a verdict, because it is the last that the ones before lacked. Pure.

    `given` are all verdicts up to and with this one; those on an earlier payload count no more.
    """
    order = stages(steps)
    place = next(place for place, stage in enumerate(order) if verdict["step"] in stage)
    if verdict["choice"] != "approve" or place + 1 == len(order):
        return ()
    same = ("approval", "choice", "saw")
    have = Counter(one["step"] for one in given if all(one[key] == verdict[key] for key in same))
    full = all(have[number] >= steps[number - 1]["quorum"] for number in order[place])
    return order[place + 1] if full and have[verdict["step"]] == steps[verdict["step"] - 1]["quorum"] else ()


def _people(scene: Scene, asked: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[User]:
    trace = Trace.objects.select_related("workspace", "agent__owner", "on_behalf_of").get(pk=scene.entry.trace_id)
    if asked["body"]["kind"] == "draft":
        return [trace.asker]
    since = parse_instant(asked["at"])
    done = {record["actor"]["id"] for record in scene.before("approval.verdict_recorded")}
    kept_out = {trace.asker.pk} | ({trace.agent.owner_id} if trace.agent else set())
    mode = mode_now(trace.workspace)
    # Who is alone, and was before this was asked, decides it: they have to hear of it.
    barred = done | (kept_out - {mode.user_id} if mode is not None and mode.started_at <= since else kept_out)
    found = {user.pk: user for step in steps for user in _deciders(trace.workspace, step, since)}
    return [user for key, user in sorted(found.items()) if key not in barred]


def _deciders(workspace: Workspace, step: Mapping[str, Any], since: datetime) -> list[User]:
    """Whom a step names, or who was in its group or had its attributes when it was asked; of a step that names nobody
    everybody who may decide now.
    """
    group, named, wanted = step["group"], step.get("people", ()), step.get("attributes", ())
    people = User.objects.filter(is_active=True, memberships__workspace=workspace)
    if group or named or wanted:
        joined = GroupMembership.objects.filter(group__workspace=workspace, group__slug=group, joined_at__lte=since)
        having = people_with(workspace.pk, wanted, by=since)
        people = people.filter(Q(email__in=named) | Q(pk__in=joined.values("user_id")) | Q(pk__in=having.values("pk")))
    found = {user.pk: user for user in people.distinct()}
    # Who stands in for one of them since before it was asked.
    away = delegations_now(workspace).filter(person__in=found, created_at__lte=since)
    found |= {one.delegate_id: one.delegate for one in away}
    return [user for user in found.values() if has_permission(user, Permission.APPROVAL_DECIDE, workspace)]


def channels_of(people: list[User], workspace: Workspace, event: str) -> list[Channel]:
    """Their own channels that carry this event; none without a mail server."""
    if not settings.REMIT_MAIL:
        return []
    found = [personal_channel(user, workspace) for user in people]
    return [channel for channel in found if channel.is_active and event in channel.events]


def personal_channel(user: User, workspace: Workspace) -> Channel:
    """A person's own channel, made at first need: told of what waits for them, at once, by mail."""
    made = Channel(
        workspace=workspace, person=user, kind=Channel.Kind.EMAIL, name=user.name, events=list(PERSONAL_AT_FIRST),
        created_at=database_now(),
    )  # fmt: skip
    Channel.objects.bulk_create([made], ignore_conflicts=True)
    return Channel.objects.get(workspace=workspace, person=user)
