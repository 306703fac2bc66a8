"""Arguments that a tool's schema asks to be repeated in headers (`x-mcp-header`) must say the same in both (M-06). Pure."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from mcp_types.jsonrpc import HEADER_MISMATCH

from gateway.mcp.wire import Fault, header

_OPEN, _CLOSE = "=?base64?", "?="


def check(schema: Mapping[str, Any], arguments: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Raises Fault where an argument that stands in the body is missing from its header, or differs from it."""
    for name, part in (schema.get("properties") or {}).items():
        suffix = part.get("x-mcp-header") if isinstance(part, Mapping) else None
        if isinstance(suffix, str) and arguments.get(name) is not None:
            _check_one(f"Mcp-Param-{suffix}", arguments[name], headers)


def _check_one(name: str, value: Any, headers: Mapping[str, str]) -> None:
    found = header(headers, name)
    if found is None:
        raise Fault(HEADER_MISMATCH, f"{name} is missing. Send the argument's value in it.")
    if _plain(name, found) != _text(value):
        raise Fault(HEADER_MISMATCH, f"{name} does not say what the argument says. Send the same value in both.")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _plain(name: str, found: str) -> str:
    """The value a header carries: as it stands, or what its Base64 wrapper holds."""
    if not (found.startswith(_OPEN) and found.endswith(_CLOSE)):
        return found
    try:
        return base64.b64decode(found[len(_OPEN) : -len(_CLOSE)], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Fault(HEADER_MISMATCH, f"{name} is not Base64 of UTF-8 text. Encode it again.") from error
