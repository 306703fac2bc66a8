"""Bringing in the tools of a system that describes itself: what it offers is read and kept, an admin says what each is.

Nothing is a tool until a policy admin says its effect class and reversibility, and nothing is used until a policy names it. A
definition that differs from the one in force waits and blocks its tool, as any loaded one does (R-22).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import transaction

from accounts.access import require
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.held import govern
from accounts.models import User, Workspace
from accounts.permissions import Permission
from actions.connections import get_connection_for
from actions.execution import OutOfReach, compare_tools, server_tools
from actions.models import Connection, Listing, Tool
from actions.offers import BadChoice, Choice, Offer, definition_of, mcp_offers
from actions.openapi.document import BadDocument, read_openapi
from actions.openapi.looks import looked, pinned_now
from actions.openapi.operations import openapi_offers, renewed
from actions.tool_versions import Given, bring_in
from actions.tools import BadTool, load_definitions
from traces.canonical import canonical_text, digest_of
from traces.services import record_governance

KINDS = ("mcp", "http")
# The most cautious word on a tool that nobody has said anything about yet.
CAUTIOUS = Choice("side_effect", "irreversible")


class ImportRefused(Exception):
    """Nothing was read or imported; the message says why and what to do."""


def connection_to_import(user: User, workspace: Workspace, slug: str) -> Connection:
    """A connection whose tools this person may bring in. Raises Forbidden, NotVisible or ImportRefused."""
    connection = get_connection_for(user, workspace, slug)
    require(user, Permission.POLICY_PUBLISH, workspace)
    if connection.kind not in KINDS:
        raise ImportRefused(f"A connection of kind {connection.kind} describes no tools. Load them from a file.")
    return connection


def list_tools(*, actor: Actor, connection: Connection) -> Listing:
    """Read what an MCP server offers, keep it, and block imported tools that it defines otherwise now. Raises ImportRefused."""
    if connection.kind != "mcp":
        raise ImportRefused("Only an MCP server lists its tools. Give this connection's OpenAPI document.")
    try:
        live = server_tools(connection)
    except OutOfReach as error:
        raise ImportRefused(str(error)) from error
    moved = compare_tools(actor, connection, live)
    return _keep(actor, connection, mcp_offers(connection.slug, live.values()), moved)


def read_document(*, actor: Actor, connection: Connection, text: str) -> Listing:
    """Keep what an OpenAPI document describes, and block imported tools that it describes otherwise now; nothing is fetched.

    Raises ImportRefused; then nothing was changed.
    """
    if connection.kind != "http":
        raise ImportRefused("An OpenAPI document describes a connection of kind http.")
    try:
        document = read_openapi(text)
        offers = openapi_offers(connection.slug, document)
    except BadDocument as error:
        raise ImportRefused(str(error)) from error
    with transaction.atomic():
        moved = _compare_described(actor, connection, offers)
        listing = _keep(actor, connection, offers, moved, document.to_json())
        govern(connection.workspace_id)
    return listing


def _compare_described(actor: Actor, connection: Connection, offers: Sequence[Offer]) -> list[str]:
    """A sentence for each imported tool that a document describes otherwise now, or no more; the changed ones are blocked.

    INVARIANT: nothing of a tool is sent while its new description waits. Held by tests/upstreams/test_openapi_import.py.
    """
    by_key = {offer.key: offer for offer in offers}
    tools = Tool.objects.filter(connection=connection).select_related("connection", "workspace").order_by("name")
    described = [tool for tool in tools if "openapi" in tool.definition["operation"]]
    return [said for said in (_described(actor, tool, by_key) for tool in described) if said]


def _described(actor: Actor, tool: Tool, by_key: Mapping[str, Offer]) -> str:
    definition = tool.definition
    pinned = definition["operation"]["openapi"]
    now = by_key.get(pinned["key"])
    if now is None:
        return f"The document does not describe {pinned['key']}. {tool.name} stays as it was imported."
    described = pinned_now(pinned, now, by_key)
    if described == pinned:
        return ""
    changed = renewed(definition, now, described)
    given = Given(tool.connection, canonical_text(changed), digest_of(changed))
    bring_in(actor=actor, workspace=tool.workspace, name=tool.name, given=given, approve=False)
    return f"The document changed its description of {pinned['key']}. {tool.name} is blocked until an admin decides."


def _keep(
    actor: Actor,
    connection: Connection,
    offers: Sequence[Offer],
    moved: list[str],
    source: Mapping[str, Any] | None = None,
) -> Listing:
    told = [offer.to_json() for offer in offers]
    digest = digest_of(told)
    values = {
        "offers_text": orjson.dumps(told).decode(), "digest": digest, "moved": moved, "taken_at": database_now(),
        "taken_by": {"kind": actor.kind, "id": actor.id, "name": actor.name}, "source": dict(source or {}),
    }  # fmt: skip
    body = {"connection": connection.slug, "offers": len(offers), "digest": digest, "moved": moved}
    if source:
        body["document"] = dict(source)
    with transaction.atomic():
        listing, _ = Listing.objects.update_or_create(connection=connection, defaults=values)
        record_governance(actor=actor, workspace_id=connection.workspace_id, type="connection.listed", body=body)
    return listing


def import_tools(*, actor: Actor, connection: Connection, digest: str, choices: Mapping[str, Choice]) -> list[Tool]:
    """Make tools of what was offered under `digest`, each as the admin says by its key. Raises ImportRefused; then none is."""
    listing = Listing.objects.filter(connection=connection).first()
    if listing is None or listing.digest != digest:
        raise ImportRefused("What you saw was read again since. Look at what is offered now. Nothing was imported.")
    offers = {offer.key: offer for offer in listing.offers}
    unknown = sorted(set(choices) - set(offers))
    if unknown or not choices:
        raise ImportRefused(f"{unknown[0][:120]} is not offered." if unknown else "Tick at least one tool to import.")
    try:
        definitions = [
            definition_of(looked(offers[key], choice, offers), choice, offers) for key, choice in choices.items()
        ]
        _refuse_foreign(connection, definitions)
        with transaction.atomic():
            tools = load_definitions(actor=actor, connection=connection, definitions=definitions)
            body = {"connection": connection.slug, "listing": digest, "tools": [_told(one) for one in definitions]}
            record_governance(actor=actor, workspace_id=connection.workspace_id, type="connection.imported", body=body)
            govern(connection.workspace_id)
    except (BadChoice, BadTool) as error:
        raise ImportRefused(f"{error} Nothing was imported.") from error
    return tools


def _refuse_foreign(connection: Connection, definitions: Sequence[Mapping[str, Any]]) -> None:
    """A tool of another connection is not taken over by one of the same name. Raises ImportRefused."""
    names = [definition["name"] for definition in definitions]
    tools = Tool.objects.filter(workspace_id=connection.workspace_id, name__in=names)
    other = tools.exclude(connection=connection).select_related("connection").first()
    if other is not None:
        raise ImportRefused(f"{other.name} is a tool of {other.connection.slug} already. Nothing was imported.")


def _told(definition: Mapping[str, Any]) -> dict[str, str]:
    return {key: definition[key] for key in ("name", "effect_class", "reversibility")}
