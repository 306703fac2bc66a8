"""Making connections: the secret is sealed on the way in and never shown again."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.factors import totp
from accounts.models import Workspace
from actions.execution import OutOfReach, check_connection
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
) -> Connection:
    """Make a connection, or point an existing one elsewhere. Raises BadConnection; then nothing was changed.

    `same_system`: the address changed but the system behind it did not, so what was sent there can be found out about here.
    """
    try:
        check_connection(kind, base_url, options or {})
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
        "options": dict(options or {}),
    }
    found = Connection.objects.filter(workspace=workspace, slug=slug).first()
    if found is not None and found.base_url != base_url and not same_system:
        values["system"] = new_system_id()
    with transaction.atomic():
        connection, _ = Connection.objects.update_or_create(workspace=workspace, slug=slug, defaults=values)
        # Who pointed which connection where stands in the ledger; the secret does not, in any form.
        told = {name: values[name] for name in ("name", "kind", "base_url", "allow_private", "options")}
        body = {"connection": connection.pk, "slug": slug, **told}
        record_governance(actor=actor, workspace_id=workspace.pk, type="connection.saved", body=body)
    return connection


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
