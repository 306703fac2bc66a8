"""Making connections: the secret is sealed on the way in and never shown again."""

from accounts.actors import Actor
from accounts.models import Workspace
from actions.models import Connection
from actions.sealing import seal


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
) -> Connection:
    """Make a connection, or point an existing one elsewhere."""
    values = {
        "name": name,
        "kind": kind,
        "base_url": base_url,
        "link_url": link_url,
        "client_id": client_id,
        "sealed_secret": seal(client_secret),
        "allow_private": allow_private,
    }
    connection, _ = Connection.objects.update_or_create(workspace=workspace, slug=slug, defaults=values)
    return connection
