"""Verbs on links and frame origins. A link's beginning and end stand in its trace's chain, an origin's in the workspace's."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F

from accounts.access import NotVisible, require
from accounts.actors import Actor
from accounts.acts import record_act, told_person
from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.permissions import Permission
from traces.canonical import instant
from traces.embed.models import FrameOrigin, ShownLink
from traces.ledger import append
from traces.models import Trace

SHORTEST_S, LONGEST_S = 60, 7 * 86400
MOST_LIVING = 20
MOST_ORIGINS = 50
MOST_ANSWERS = 10
TURNS, WINDOW = 60, timedelta(minutes=1)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LOOPBACK = {"localhost", "127.0.0.1"}
_DEFAULT_PORT = {"https": 443, "http": 80}


class LinkRefused(ValueError):
    """Something that cannot be done; nothing was changed."""


class TooManyTurns(Exception):
    """A link was opened or answered too often; it can be used again after `WINDOW`."""


def issue_link(*, actor: Actor, trace: Trace, person: User, expires_in_s: int) -> ShownLink:
    """A link that shows a trace to the person it is for. Raises LinkRefused."""
    if trace.on_behalf_of_id != person.pk:
        raise LinkRefused("A trace is shown by link only to the person it is for.")
    if not SHORTEST_S <= expires_in_s <= LONGEST_S:
        raise LinkRefused(f"A link lives from {SHORTEST_S} to {LONGEST_S} seconds.")
    with transaction.atomic():
        Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        now = database_now()
        if ShownLink.objects.filter(trace=trace, revoked_at=None, expires_at__gt=now).count() >= MOST_LIVING:
            raise LinkRefused(f"{MOST_LIVING} links to this trace are alive. Use one of them, or revoke some.")
        link = ShownLink.objects.create(
            trace=trace, person=person, issued_by={"kind": actor.kind, "id": actor.id, "name": actor.name},
            issued_at=now, expires_at=now + timedelta(seconds=expires_in_s), turns_since=now,
        )  # fmt: skip
        body = {"link": link.pk, "for": told_person(person), "expires_at": instant(link.expires_at)}
        append(actor=actor, trace_id=trace.pk, type="trace.link_issued", body=body)
    return link


def revoke_link(*, actor: Actor, link: ShownLink) -> None:
    """The link opens nothing from now on. Revoking it again changes nothing."""
    with transaction.atomic():
        living = ShownLink.objects.filter(pk=link.pk, revoked_at=None)
        if living.update(revoked_at=database_now()):
            append(actor=actor, trace_id=link.trace_id, type="trace.link_revoked", body={"link": link.pk})


def take_turn(link: ShownLink) -> None:
    """Count one use of a link. Raises TooManyTurns."""
    with transaction.atomic():
        row = ShownLink.objects.select_for_update(of=("self",)).get(pk=link.pk)
        now = database_now()
        if now - row.turns_since >= WINDOW:
            row.turns, row.turns_since = 0, now
        if row.turns >= TURNS:
            raise TooManyTurns
        row.turns += 1
        row.save(update_fields=["turns", "turns_since"])


def record_shown_answer(*, link: ShownLink, answer: str, line: str) -> None:
    """What the reader of a link says of the page. The entry names the link: the product that asked for it vouches for them.

    Raises ValueError for another word, TooManyTurns after MOST_ANSWERS.
    """
    if answer not in {"yes", "no"}:
        raise ValueError("The answer is yes or no.")
    reader = Actor("user", link.person_id, link.person.name, link.trace.workspace_id)
    with transaction.atomic():
        left = ShownLink.objects.filter(pk=link.pk, answers__lt=MOST_ANSWERS)
        if not left.update(answers=F("answers") + 1):
            raise TooManyTurns
        body = {"answer": answer, "line": line[:500], "link": link.pk}
        append(actor=reader, trace_id=link.trace_id, type="trace.answered", body=body)


def allow_origin(*, actor: Actor, user: User, workspace: Workspace, origin: str) -> FrameOrigin:
    """Let pages of an origin frame what links open. Raises LinkRefused, Forbidden or NotVisible."""
    require(user, Permission.AGENT_MANAGE, workspace)
    name = plain_origin(origin)
    with transaction.atomic():
        if FrameOrigin.objects.filter(workspace=workspace).count() >= MOST_ORIGINS:
            raise LinkRefused(f"{MOST_ORIGINS} origins are listed. Remove one first.")
        found, made = FrameOrigin.objects.get_or_create(
            workspace=workspace, origin=name, defaults={"added_at": database_now()}
        )
        if made:
            record_act(actor=actor, workspace_id=workspace.pk, type="frame_origin.allowed", body={"origin_url": name})
    return found


def remove_origin(*, actor: Actor, user: User, workspace: Workspace, origin_id: str) -> str:
    """No page of this origin frames them from now on. Raises Forbidden or NotVisible."""
    require(user, Permission.AGENT_MANAGE, workspace)
    with transaction.atomic():
        found = FrameOrigin.objects.select_for_update().filter(workspace=workspace, pk=origin_id).first()
        if found is None:
            raise NotVisible("origin")
        found.delete()
        body = {"origin_url": found.origin}
        record_act(actor=actor, workspace_id=workspace.pk, type="frame_origin.removed", body=body)
    return found.origin


def plain_origin(text: str) -> str:
    """`https://app.example.com`, or with a port; http only on this machine. Raises LinkRefused.

    It becomes part of a security policy, so nothing else may stand in it.
    """
    wrong = LinkRefused(
        "Write an origin such as https://app.example.com: no path, and https unless it is this machine."
    )
    given = text.strip().lower().removesuffix("/")
    try:
        parts = urlsplit(given)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise wrong from error
    whole = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not secure or not _HOST.fullmatch(host) or len(host) > 253 or whole != given:
        raise wrong
    return f"{parts.scheme}://{host}" if port in (None, _DEFAULT_PORT[parts.scheme]) else whole
