"""One strict parse of request bytes: I-JSON (RFC 7493) with bounds (R-30). The parsed value is what policy, display,
digest and connector all use. Pure."""

import json
import math
import re
from typing import Any, NoReturn

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
# U+0000, surrogates, and the code points that stand for no character (RFC 7493, 2.1).
_LAST_OF_PLANES = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
_NO_CHARACTER = re.compile(f"[\0\ud800-\udfff\ufdd0-\ufdef{_LAST_OF_PLANES}]")


class BadJSON(ValueError):
    """The bytes are not a JSON document this boundary accepts. The message is a sentence with the remedy."""


class TooLarge(BadJSON):
    """More bytes than `MAX_BYTES`."""


def parse(raw: bytes) -> Any:
    """The value of a JSON document. Raises BadJSON or TooLarge."""
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"The body has {len(raw):,} bytes. Send at most {MAX_BYTES:,}.")
    text = _decode(raw)
    _check_depth(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_number
        )
    except json.JSONDecodeError as error:
        raise BadJSON(f"Line {error.lineno}, column {error.colno}: {error.msg}.") from error
    _check_text(value)
    return value


def _decode(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise BadJSON("The body starts with a byte order mark. Send plain UTF-8.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJSON(f"Byte {error.start} is not UTF-8. Send the body as UTF-8.") from error


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the parser recurses into it."""
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            in_string, escaped = _inside_string(character, escaped=escaped)
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadJSON(f"The body is nested deeper than {MAX_DEPTH} levels. Flatten it.")
        elif character in "]}":
            depth -= 1


def _inside_string(character: str, *, escaped: bool) -> tuple[bool, bool]:
    if escaped:
        return True, False
    return character != '"', character == "\\"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadJSON(f"The name {name[:60]!r} stands twice in one object. Send it once.")
        found[name] = value
    return found


def _constant(name: str) -> NoReturn:
    raise BadJSON(f"{name} is not a JSON number. Send a finite number or null.")


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise BadJSON(f"The integer {digits[:20]}… is outside ±2^53-1. Send it as text.")
    return int(digits)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadJSON(f"The number {text[:20]} is too large. Send it as text.")
    # A double does not hold such a number's digits: what was written and what would run could differ.
    if abs(value) > MAX_INTEGER:
        raise BadJSON(f"The number {text[:20]} is outside ±2^53-1. Send it as text.")
    return value


def _check_text(value: Any) -> None:
    """Refuse what is no character in any name or text."""
    if isinstance(value, str):
        if _NO_CHARACTER.search(value):
            raise BadJSON("A text contains U+0000, a lone surrogate or a noncharacter. Remove it.")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
