"""A replay's life: queued, claimed by one worker at a time, done, cancelled or failed. Only this module writes its state.

INVARIANT: of several workers told to run a replay, one runs it. Held by tests/policies/test_replay_life.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from accounts.access import NotVisible, has_permission, require
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.permissions import Permission
from policies.documents import document_of, live_version
from policies.models import Policy, Replay
from policies.replay.doorbell import ring, ring_each

State = Replay.State
UNFINISHED = (State.QUEUED, State.RUNNING)
FRESH = timedelta(minutes=10)
STALE = timedelta(seconds=15)
# A replay that did not get through in this time, however often it was taken up again, never will.
GIVEN_UP = timedelta(minutes=10)
MOST_DAYS = 365
BATCH = 50
# One replay at a time on a machine's workers, so that people editing never hold up the actions of agents.
_ONE_AT_A_TIME = 0x52454D49545250


@dataclass(slots=True)
class Claim:
    """A replay this process may run as long as the heartbeat in the row is the one it wrote last."""

    replay: Replay
    seen: datetime


def start_replay(*, actor: Actor, user: User | None, policy: Policy, source: str, days: int = 30) -> Replay:
    """A replay of a document over the last `days`: the one there is, if younger than ten minutes, else a new one, rung for.

    One that was asked for under another live version is not the same one: what is newly allowed is another question then.

    A person's unfinished replays of other texts of this policy are cancelled: they asked about a draft that is no more.
    `user` is None only for a part of Remit itself. Raises PolicyError, Forbidden, NotVisible, or ValueError for the days.
    """
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"A replay looks back 1 to {MOST_DAYS} days.")
    _check(actor, user, policy.workspace)
    document = document_of(policy, source)
    with transaction.atomic():
        Policy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
        now, version = database_now(), live_version(policy)
        live = version.number if version else 0
        found = _same(policy, document.digest, live, days, now)
        if found is not None:
            return found
        if user is not None:
            theirs = Replay.objects.filter(policy=policy, started_by=user).exclude(digest=document.digest)
            _finish(theirs, State.CANCELLED, "A newer draft is replayed.")
        replay = Replay.objects.create(
            policy=policy, source=source, digest=document.digest, live=live, since=now - timedelta(days=days),
            until=now, started_by=user, created_at=now,
        )  # fmt: skip
        ring(replay.pk)
    return replay


def _check(actor: Actor, user: User | None, workspace: Workspace) -> None:
    if user is not None:
        if actor.workspace_id != workspace.pk:
            raise NotVisible("policy")
        require(user, Permission.POLICY_EDIT, workspace)
    elif actor.kind != "system":
        raise ValueError("A person is named, or the actor is a part of Remit.")


def _same(policy: Policy, digest: str, live: int, days: int, now: datetime) -> Replay | None:
    alike = Replay.objects.filter(policy=policy, digest=digest, live=live, created_at__gt=now - FRESH)
    alike = alike.filter(until=F("since") + timedelta(days=days))
    return alike.exclude(state__in=(State.CANCELLED, State.FAILED)).first()


def cancel_replay(*, actor: Actor, user: User | None, replay_id: str) -> Replay:
    """Stop a replay; its worker notices at the next chunk. One that ended stays as it ended. Raises as `start_replay`."""
    replay = Replay.objects.select_related("policy__workspace").filter(pk=replay_id).first()
    if replay is None:
        raise NotVisible("replay")
    _check(actor, user, replay.policy.workspace)
    _finish(Replay.objects.filter(pk=replay_id), State.CANCELLED, f"Cancelled by {actor.name}.")
    replay.refresh_from_db()
    return replay


def _finish(replays: Any, state: str, detail: str) -> int:
    columns = {"state": state, "detail": detail[:500], "finished_at": database_now()}
    return int(replays.filter(state__in=UNFINISHED).update(**columns))


def get_replay_for(user: User, workspace: Workspace, replay_id: str) -> Replay:
    """A replay of a policy this person may see. Raises NotVisible."""
    found = Replay.objects.select_related("policy").filter(pk=replay_id, policy__workspace=workspace).first()
    if found is None or not has_permission(user, Permission.POLICY_VIEW, workspace):
        raise NotVisible("replay")
    return found


def claim(replay_id: str) -> Claim | None:
    """Take a replay that is queued or whose worker died. None when there is nothing to take, or another one runs."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        now = database_now()
        if Replay.objects.filter(state=State.RUNNING, heartbeat_at__gt=now - STALE).exists():
            return None
        free = Q(state=State.QUEUED) | Q(state=State.RUNNING, heartbeat_at__lte=now - STALE)
        columns = {"state": State.RUNNING, "heartbeat_at": now, "done": 0, "total": 0}
        if not Replay.objects.filter(free, pk=replay_id).update(**columns):
            return None
        return Claim(Replay.objects.select_related("policy").get(pk=replay_id), now)


def beat(claim: Claim, **columns: Any) -> bool:
    """Save progress and say that the worker lives. False when it was cancelled or taken over: then stop."""
    now = database_now()
    if not _mine(claim).update(heartbeat_at=now, **columns):
        return False
    claim.seen = now
    return True


def end(claim: Claim, state: str, *, detail: str = "", **columns: Any) -> bool:
    """Store how it ended. False when it was cancelled or taken over, and then nothing was stored."""
    return bool(_mine(claim).update(state=state, detail=detail[:500], finished_at=database_now(), **columns))


def _mine(claim: Claim) -> Any:
    return Replay.objects.filter(pk=claim.replay.pk, state=State.RUNNING, heartbeat_at=claim.seen)


def ring_stale() -> int:
    """For the sweeper: give up what takes forever, and ring for what is queued or whose worker died."""
    now = database_now()
    _finish(Replay.objects.filter(created_at__lt=now - GIVEN_UP), State.FAILED, "It did not finish in ten minutes.")
    waiting = Q(state=State.QUEUED) | Q(state=State.RUNNING, heartbeat_at__lte=now - STALE)
    return ring_each(list(Replay.objects.filter(waiting).order_by("created_at").values_list("pk", flat=True)[:BATCH]))


def ring_next() -> None:
    """Ring for the one that has waited longest, now that a worker is free."""
    oldest = Replay.objects.filter(state=State.QUEUED).order_by("created_at").values_list("pk", flat=True).first()
    if oldest is not None:
        ring(oldest)
