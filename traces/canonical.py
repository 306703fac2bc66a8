"""Canonical JSON bytes (RFC 8785) and the digests made from them. Pure."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import rfc8785

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value.

    Raises ValueError for what I-JSON cannot carry: NaN, infinities, integers beyond 2**53-1, lone surrogates (R-30).
    """
    if _is_common(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)
        except TypeError:
            pass  # What is wrong with it is said below.
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueError(f"The value has no RFC 8785 form: {error}") from error


def _is_common(value: Any) -> bool:
    """Whether RFC 8785's form of a value is the one that every JSON writer gives it whose names are sorted: no number with a
    fraction, and no name with more than ASCII, which it sorts in an order of its own."""
    kind = type(value)
    if kind is dict:
        return all(type(name) is str and name.isascii() and _is_common(item) for name, item in value.items())
    if kind is list:
        return all(map(_is_common, value))
    return value is None or kind is str or kind is int or kind is bool or isinstance(value, str)


def canonical_text(value: Any) -> str:
    """The same as text, for storage."""
    return canonical_bytes(value).decode("utf-8")


def strict_loads(
    text: str, *, parse_int: Callable[[str], Any] | None = None, parse_float: Callable[[str], Any] | None = None
) -> Any:
    """The value of a JSON text; `parse_int` and `parse_float` are those of `json.loads`.

    Raises ValueError for a name that stands twice in one object and for NaN and infinities, which it would let pass (R-30).
    """
    return json.loads(
        text, object_pairs_hook=_once, parse_constant=_no_constant, parse_int=parse_int, parse_float=parse_float
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A name stands twice in one object.")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number.")


def sha256_hex(data: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """`sha256:<hex>` of a value's RFC 8785 bytes: the form every digest has in pages, forms and exports."""
    return "sha256:" + sha256_hex(canonical_bytes(value))


def instant(at: datetime) -> str:
    """A point in time as the ledger writes it: UTC, microseconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """The inverse of `instant`."""
    # Ten times as fast where the text has exactly the form that `instant` writes, as a page of many records needs.
    if _INSTANT.fullmatch(text):
        return datetime.fromisoformat(text)
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def plain(value: Any) -> Any:
    """Mappings and sequences as dicts and lists, so that frozen values can be written as JSON."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return instant(value)
    return value
