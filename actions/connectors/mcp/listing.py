"""What a server lists as its tools, read strictly and bounded. Everything in it is the server's word. Pure but for the talk."""

import re
from collections.abc import Mapping
from typing import Any

from actions.connectors.mcp.wire import Talk, TalkError
from traces.canonical import canonical_bytes

MOST_TOOLS = 500
MOST_PAGES = 20
MAX_LIST = 4 * 1024 * 1024
# What is pinned of a tool; icons and `_meta` decide nothing and may change with each answer.
PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")


class BadListing(TalkError):
    """The server's list cannot be used at all."""


def listed(talk: Talk) -> dict[str, dict[str, Any]]:
    """Every tool by its name, each as it is pinned. Raises TalkError."""
    try:
        return _pages(talk)
    except TalkError as error:
        if error.status is None:
            raise
        talk.forget()  # A session may have ended, or the server speaks another version since. A list may be asked again.
        return _pages(talk)


def _pages(talk: Talk) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    cursor, size = "", 0
    for _ in range(MOST_PAGES):
        page = talk.ask("tools/list", {"cursor": cursor} if cursor else {}).needed("The list of tools")
        for tool in _tools(page):
            size += _add(found, tool)
        if len(found) > MOST_TOOLS or size > MAX_LIST:
            raise BadListing(f"The server lists more than {MOST_TOOLS} tools or 4 MiB. Narrow what it offers.")
        cursor = page.get("nextCursor") or ""
        if not isinstance(cursor, str) or not cursor:
            return found
    raise BadListing(f"The server's list has more than {MOST_PAGES} pages.")


def _tools(page: Mapping[str, Any]) -> list[Any]:
    tools = page.get("tools")
    if not isinstance(tools, list):
        raise BadListing("The server's answer has no list of tools.")
    return tools


def _add(found: dict[str, dict[str, Any]], tool: Any) -> int:
    """One more tool; how many bytes it has. Raises BadListing."""
    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadListing("The server lists a tool without a usable name.")
    if name in found:
        raise BadListing(f"The server lists {name} twice, so nobody could say which one is meant.")
    if not isinstance(tool.get("inputSchema"), dict):
        raise BadListing(f"{name}: inputSchema is not an object.")
    found[name] = {key: tool[key] for key in PINNED if tool.get(key) is not None}
    return len(canonical_bytes(found[name]))
