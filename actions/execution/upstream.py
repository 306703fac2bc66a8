"""What an MCP server lists now against what an admin approved (R-22): before each call, when somebody looks, when asked to.

INVARIANT: a tool whose server lists something else is never called: its new definition waits, which blocks it, until an admin
decides. Held by tests/upstreams/test_drift.py.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.held import govern
from actions.connectors.base import CredentialError, ReadFailed
from actions.execution import recheck
from actions.execution.health import Health
from actions.execution.lease import Bound
from actions.execution.listing import list_with, server_tools
from actions.execution.preview import LOOK_S
from actions.execution.reach import OutOfReach, Reach
from actions.models import Action, Connection, Tool
from actions.offers import redefined
from actions.tool_versions import Given, bring_in
from traces.canonical import canonical_text, digest_of

Listed = Mapping[str, Mapping[str, Any]]


def look_at_server(actor: Actor, connection: Connection) -> Health:
    """Whether an MCP server answers and still lists what was approved; what it lists otherwise is blocked."""
    try:
        live = server_tools(connection)
    except OutOfReach as error:
        return Health(False, str(error))
    moved = compare_tools(actor, connection, live)
    told = f"It lists {len(live)} tools."
    return Health(not moved, " ".join([told, *moved]) if moved else f"{told} Those imported are as they were approved.")


def moved_upstream(actor: Actor, action: Action, way: Reach) -> recheck.Finding | None:
    """Why a call may not go to its MCP server as it is now; None for any other tool. Raises Held once a new definition waits."""
    upstream, call = way.upstream, way.operation.call
    if upstream is None or call is None or action.tool is None:
        return None
    try:
        within = way.within or Bound.after(LOOK_S)
        live = list_with(upstream, way.info, call.scope, within, action.pk)
    except (CredentialError, ReadFailed) as error:
        return recheck.Finding(f"What the server lists could not be compared with what was approved. {error}")
    said = _compared(actor, action.tool, live)
    if said and call.tool in live:
        raise recheck.Held(said)
    return recheck.Finding(said) if said else None


def compare_tools(actor: Actor, connection: Connection, live: Listed) -> list[str]:
    """A sentence for each imported tool that the server lists otherwise now, or no more; the changed ones are blocked."""
    tools = Tool.objects.filter(connection=connection).select_related("connection", "workspace")
    return [said for said in (_compared(actor, tool, live) for tool in tools) if said]


def _compared(actor: Actor, tool: Tool, live: Listed) -> str:
    definition = tool.definition
    pinned = definition["operation"]["mcp"]["server"]
    now = live.get(pinned["name"])
    if now is None:
        return f"The server no longer lists {pinned['name']}, so {tool.name} cannot be called."
    if digest_of(now) == digest_of(pinned):
        return ""
    changed = redefined(definition, tool.connection.slug, now)
    given = Given(tool.connection, canonical_text(changed), digest_of(changed))
    with transaction.atomic():
        bring_in(actor=actor, workspace=tool.workspace, name=tool.name, given=given, approve=False)
        govern(tool.workspace_id)
    return f"The server changed its definition of {pinned['name']}. {tool.name} is blocked until an admin decides."
