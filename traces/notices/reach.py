"""Opens a channel for one attempt, under the one rule of outgoing HTTP (R-32). Save, test and delivery all come here."""

import json
from typing import Any

import httpx
from django.conf import settings

from accounts.access import workspaces_visible_to
from accounts.egress import Egress, EgressRefused, NotResolved
from accounts.models import User, Workspace
from accounts.sealing import SealBroken, seal_for, unseal_for
from traces.canonical import parse_instant
from traces.notices.message import Message, NotDelivered, Post, Target, Undeliverable
from traces.notices.models import AllowedHost, Channel
from traces.notices.transports import HOSTS, POSTS, email

PURPOSE = "notice channels"
TIMEOUT_S = 10.0


def egress_of(workspace: Workspace, kind: str) -> Egress:
    """What notices of this kind may reach from this workspace."""
    return Egress(
        allow_private=settings.REMIT_NOTICES_ALLOW_PRIVATE,
        ports=frozenset(settings.REMIT_NOTICES_PORTS),
        hosts=(*HOSTS[kind], *allowed_hosts(workspace)),
    )


def allowed_hosts(workspace: Workspace) -> list[str]:
    """The workspace's own list."""
    return list(AllowedHost.objects.filter(workspace=workspace).values_list("host", flat=True))


def stranger(workspace: Workspace, address: str) -> bool:
    """Whether a mail address is neither an active member's nor at a domain on the workspace's list."""
    domain = address.rpartition("@")[2].lower()
    if domain in allowed_hosts(workspace):
        return False
    return not User.objects.filter(email=address.lower(), is_active=True, memberships__workspace=workspace).exists()


def sealed(contents: dict[str, Any]) -> str:
    """A channel's target and secrets, as stored."""
    return seal_for(PURPOSE, json.dumps(contents))


def opened(channel: Channel) -> dict[str, Any]:
    """The same in clear. Raises SealBroken."""
    return dict(json.loads(unseal_for(PURPOSE, channel.sealed))) if channel.sealed else {}


def deliver(channel: Channel, message: Message, now_iso: str) -> None:
    """Send one message. Returns when it was taken; raises NotDelivered, Undeliverable."""
    target = _target(channel, now_iso)
    if channel.kind == Channel.Kind.EMAIL:
        email.send(message, target)
    else:
        _post(channel, POSTS[channel.kind](message, target))


def _target(channel: Channel, now_iso: str) -> Target:
    if channel.person is not None:
        return Target(parse_instant(now_iso), to=(_address(channel.person, channel.workspace),))
    try:
        held = opened(channel)
    except SealBroken as error:
        raise Undeliverable(
            "Its secrets cannot be opened with this installation's key. Save the channel again."
        ) from error
    to = tuple(address for address in held.get("to", ()) if not stranger(channel.workspace, address))
    if channel.kind == Channel.Kind.EMAIL and not to:
        raise Undeliverable("None of its recipients is a member here any more.")
    now = parse_instant(now_iso)
    valid = [one["key"] for one in held.get("secrets", ()) if not one["until"] or parse_instant(one["until"]) > now]
    return Target(now, held.get("url", ""), held.get("key", ""), tuple(valid), to)


def _address(person: User, workspace: Workspace) -> str:
    if not person.is_active or not workspaces_visible_to(person).filter(pk=workspace.pk).exists():
        raise Undeliverable("The person is not a member here any more.")
    return person.email


def _post(channel: Channel, post: Post) -> None:
    """The answer's body stays unread: nothing of it is needed, and a hostile one has no end."""
    egress = egress_of(channel.workspace, channel.kind)
    try:
        host, _ = egress.check(post.url)
        with egress.client(post.url, timeout_s=TIMEOUT_S) as client:
            asked = client.build_request("POST", post.url, content=post.body, headers=dict(post.headers))
            status = client.send(asked, stream=True).status_code
    except NotResolved as error:
        raise NotDelivered(str(error)) from error
    except EgressRefused as error:
        raise Undeliverable(str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotDelivered(f"{host} was not reached: {type(error).__name__}.") from error
    if status == 410:
        raise Undeliverable(f"{host} answered 410: it wants no more of these.")
    if not 200 <= status < 300:
        raise NotDelivered(f"{host} answered {status}.")
