"""An MCP server connected, its tools imported by a policy admin, and one of them allowed or asked for by policy."""

from actions.connections import save_connection
from actions.importing import import_tools, list_tools
from actions.models import Connection, Listing, Tool
from actions.offers import Choice
from tests.actions.hands import rest
from tests.builders import publish, sample_plain, waive

TOOL, READ = "notes.note_add", "notes.echo"
CHOICES = {
    "note_add": Choice("write", "irreversible"),
    "echo": Choice("read", "reversible"),
}


def connect(
    cast, server=None, *, base_url: str = "", options=None, slug: str = "notes", kind: str = "mcp"
) -> Connection:
    return save_connection(
        actor=cast.actor("dana"), workspace=cast.northwind, slug=slug, name="Notes", kind=kind,
        base_url=server.url if server else base_url, client_id="", client_secret="a-standing-secret",
        allow_private=True, options={"auth": {"kind": "none"}} if options is None else options,
    )  # fmt: skip


def bring(cast, connection: Connection, choices=None) -> list[Tool]:
    """Read what it offers and import it, as an admin does on the page."""
    listing = list_tools(actor=cast.actor("ken"), connection=connection)
    given = CHOICES if choices is None else choices
    return import_tools(actor=cast.actor("ken"), connection=connection, digest=listing.digest, choices=given)


def again(cast, connection: Connection) -> Listing:
    return list_tools(actor=cast.actor("ken"), connection=connection)


def allow(cast, *, mode: str = "auto", fields=("text",), tools=(TOOL, READ)) -> None:
    """Let the refunds role use the tools."""
    plain = sample_plain()
    role = plain["roles"]["refunds"]
    for name in tools:
        reads = name == READ
        role["tools"][name] = {
            "mode": "auto" if reads else mode,
            **({"route": "account"} if not reads and mode == "approval" else {}),
        }
        role["fields"][name] = {"read": ["text", "structured"], **({} if reads else {"write": list(fields)})}
    waive(
        plain,
        "write.rollback",
        "write.per_object_scope",
        reason="Nothing of an MCP server can be restored or held to rows.",
    )
    publish(cast, plain)


def ask(cast, trace, tool: str = TOOL, arguments=None):
    body = {"trace_id": trace.pk, "tool": tool, "arguments": arguments or {"text": "call back"}}
    return rest(cast, "post", "tool-calls", body).json()


def allow_plain(cast, modes, *, write=(), read=("id", "note"), redact=None) -> None:
    """Let the refunds role use tools of the shop, each in a mode, read and write some fields, and redact some for everybody."""
    plain = sample_plain()
    role = plain["roles"]["refunds"]
    for name, mode in modes.items():
        role["tools"][name] = {"mode": mode, **({"route": "account"} if mode == "approval" else {})}
        role["fields"][name] = {"read": list(read), **({"write": list(write)} if write else {})}
        if redact:
            plain.setdefault("redact", {})[name] = dict(redact)
    controls = ("write.rollback", "write.per_object_scope", "write.field_allowlist")
    waive(plain, *controls, reason="The shop's records are held to no rows.")
    publish(cast, plain)
