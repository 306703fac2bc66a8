"""Making connections: the secret is sealed on the way in and never shown again."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.access import NotVisible, has_permission, require
from accounts.actors import Actor
from accounts.acts import compared
from accounts.clock import database_now
from accounts.factors import totp
from accounts.models import User, Workspace
from accounts.permissions import Permission
from actions.execution import Health, OutOfReach, checked_options, look_at, look_at_server
from actions.models import AttemptCredential, Connection, new_system_id
from actions.sealing import seal, unseal
from traces.checkpoints.keys import reseal_keys
from traces.notices.services import reseal_channels
from traces.services import record_governance


class BadConnection(ValueError):
    """A connection that could not be used; nothing was changed. The message says why."""


def save_connection(
    *,
    actor: Actor,
    workspace: Workspace,
    slug: str,
    name: str,
    kind: str,
    base_url: str,
    client_id: str,
    client_secret: str,
    link_url: str = "",
    allow_private: bool = False,
    options: Mapping[str, Any] | None = None,
    same_system: bool = False,
    is_new: bool = False,
) -> Connection:
    """Make a connection, or point an existing one elsewhere. Raises BadConnection; then nothing was changed.

    `same_system`: the address changed but the system behind it did not, so what was sent there can be found out about here.
    `is_new`: one that is there is left as it is.
    """
    try:
        wanted = checked_options(kind, base_url, options or {}, workspace=workspace.slug)
    except OutOfReach as error:
        raise BadConnection(str(error)) from error
    values = {
        "name": name,
        "kind": kind,
        "base_url": base_url,
        "link_url": link_url,
        "client_id": client_id,
        "sealed_secret": seal(client_secret),
        "allow_private": allow_private,
        "options": wanted,
    }
    found = Connection.objects.filter(workspace=workspace, slug=slug).first()
    moved = found is not None and (found.base_url, found.options.get("command")) != (base_url, wanted.get("command"))
    if moved and not same_system:
        values["system"] = new_system_id()
    with transaction.atomic():
        if found is None or unseal(found.sealed_secret) != client_secret:
            values["secret_since"] = database_now()
        connection, made = Connection.objects.update_or_create(workspace=workspace, slug=slug, defaults=values)
        if is_new and not made:
            raise BadConnection(f"There is a connection {slug} already. Choose another short name.")
        # Who pointed which connection where stands in the ledger; the secret does not, in any form.
        told = {name: values[name] for name in ("name", "kind", "base_url", "allow_private", "options")}
        body = {"connection": connection.pk, "slug": slug, **told, **_compared(found, values)}
        if found is not None and "secret_since" in values:
            body["secret_replaced"] = True
        record_governance(actor=actor, workspace_id=workspace.pk, type="connection.saved", body=body)
    return connection


_SECRET = frozenset({"sealed_secret", "secret_since", "system"})


def _compared(found: Connection | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """What an existing connection was and is now, of that which changed; secrets never."""
    return compared({name: getattr(found, name) for name in values if name not in _SECRET}, values) if found else {}


def may_connect(user: User, workspace: Workspace) -> bool:
    """Owners and policy admins make connections. What they reach is for policy, which takes its own people."""
    return any(has_permission(user, one, workspace) for one in (Permission.AGENT_MANAGE, Permission.POLICY_PUBLISH))


def connect(
    *,
    actor: Actor,
    user: User,
    workspace: Workspace,
    kind: str,
    slug: str,
    options: Mapping[str, Any],
    said: Mapping[str, Any],
) -> tuple[Connection, Health | None]:
    """Make a connection and look whether it answers; None where only its first tool can tell.

    Raises BadConnection, Forbidden or NotVisible; then nothing was made.
    """
    if not may_connect(user, workspace):
        require(user, Permission.AGENT_MANAGE, workspace)
    told = {name: said.get(name, "") for name in ("name", "base_url", "link_url", "client_id", "client_secret")}
    made = save_connection(
        actor=actor, workspace=workspace, slug=slug, kind=kind, options=options, is_new=True,
        allow_private=bool(said.get("allow_private")) and settings.REMIT_CONNECTIONS_PRIVATE, **told,
    )  # fmt: skip
    if kind != "mcp" and not is_standing(made):
        return made, None
    found = look_at(made)
    with transaction.atomic():
        note_health(actor, made, found)
        body = {"connection": slug, "ok": found.ok, "detail": found.sentence}
        record_governance(actor=actor, workspace_id=workspace.pk, type="connection.checked", body=body)
    return made, found


def get_connection_for(user: User, workspace: Workspace, slug: str) -> Connection:
    """One connection of the workspace. Raises NotVisible."""
    found = Connection.objects.filter(workspace=workspace, slug=slug[:60].replace("\x00", "")).first()
    if found is None or not has_permission(user, Permission.AGENT_VIEW, workspace):
        raise NotVisible("connection")
    return found


def check_now(*, actor: Actor, user: User, workspace: Workspace, slug: str) -> Health:
    """Look whether a connection works, and keep what was found. Raises Forbidden or NotVisible."""
    connection = get_connection_for(user, workspace, slug)
    require(user, Permission.AGENT_PAUSE, workspace)
    found = look_at_server(actor, connection) if connection.kind == "mcp" else look_at(connection)
    with transaction.atomic():
        note_health(actor, connection, found)
        body = {"connection": slug, "ok": found.ok, "detail": found.sentence}
        record_governance(actor=actor, workspace_id=workspace.pk, type="connection.checked", body=body)
    return found


def rotate_secret(
    *, actor: Actor, user: User, workspace: Workspace, slug: str, client_id: str, client_secret: str
) -> Connection:
    """Replace what a connection signs in with, once the system has accepted it; running attempts keep theirs.

    Raises BadConnection, Forbidden or NotVisible; then the earlier secret stays.
    """
    connection = get_connection_for(user, workspace, slug)
    require(user, Permission.AGENT_MANAGE, workspace)
    if not client_secret:
        raise BadConnection("Give the new secret. Nothing was changed.")
    connection.client_id, connection.sealed_secret = client_id, seal(client_secret)
    found = look_at(connection)
    if not found.ok:
        raise BadConnection(f"{found.sentence} The earlier secret stays in use.")
    with transaction.atomic():
        was = Connection.objects.select_for_update().get(pk=connection.pk).client_id
        connection.secret_since = database_now()
        connection.save(update_fields=["client_id", "sealed_secret", "secret_since"])
        note_health(actor, connection, found)
        body = {"connection": slug, "was": {"client_id": was}, "now": {"client_id": client_id}}
        record_governance(actor=actor, workspace_id=workspace.pk, type="connection.rotated", body=body)
    return connection


def note_health(actor: Actor, connection: Connection, found: Health) -> None:
    """Keep what a look found; whoever looked writes it into the ledger beside it, where it is news."""
    connection.checked_at, connection.check_ok = database_now(), found.ok
    connection.check_detail = found.sentence[:300]
    connection.checked_by = {"kind": actor.kind, "id": actor.id, "name": actor.name}
    connection.save(update_fields=["checked_at", "check_ok", "check_detail", "checked_by"])


def rotate_keys(*, actor: Actor) -> int:
    """Seal every stored secret with the newest key, all or none. Raises SealBroken. Returns how many were sealed anew."""
    count = 0
    with transaction.atomic():
        for connection in Connection.objects.select_for_update().order_by("pk"):
            connection.sealed_secret = seal(unseal(connection.sealed_secret))
            connection.save(update_fields=["sealed_secret"])
            count += 1
        for row in AttemptCredential.objects.select_for_update().exclude(sealed_secret=""):
            row.sealed_secret = seal(unseal(row.sealed_secret))
            row.save(update_fields=["sealed_secret"])
            count += 1
        count += reseal_keys() + reseal_channels() + totp.reseal()
        for workspace_id in Connection.objects.order_by("workspace").values_list("workspace", flat=True).distinct():
            sealed = Connection.objects.filter(workspace=workspace_id).count()
            body = {"connections": sealed}
            record_governance(actor=actor, workspace_id=workspace_id, type="connection.resealed", body=body)
    return count


def is_standing(connection: Connection) -> bool:
    """Whether its own long-lived secret signs each attempt in, because the system mints nothing shorter."""
    if "command" in connection.options:
        return True
    return (
        connection.kind in {"http", "mcp"} and (connection.options.get("auth") or {}).get("kind", "static") == "static"
    )
