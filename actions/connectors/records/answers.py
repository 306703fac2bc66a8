"""Reads what a system answered as strictly as what an agent sends (R-30). Pure.

An answer that the ledger could not carry unchanged is unreadable, which for a write means unknown, never done.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from traces.canonical import strict_loads

MAX_ANSWER = 1024 * 1024
MAX_DEPTH = 32
MIN_SECRET = 8
_MAX_INTEGER = 2**53 - 1
_MASK = "[credential]"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers with lower-case names, and the bytes as they came."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    # Our own, which no value that was read may hold.
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def without(self, *secrets: str) -> "Answer":
        """The same answer with our own secrets masked, should the system repeat them (P8).

        What is too short to be a secret is left alone: masking every "a" would change the record. Its text is masked once it
        is read: JSON has many spellings of one string, and some systems write `\\/` for every slash of a token.
        """
        ours = tuple(form for secret in secrets if len(secret) >= MIN_SECRET for form in _forms(secret))
        headers = {name: _masked(value, ours) for name, value in self.headers.items()}
        return Answer(self.status, headers, self.content, ours)

    def json_object(self) -> dict[str, Any] | None:
        """The answer as one I-JSON object, or None when it is anything else."""
        if self.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
            return None
        try:
            value = strict_loads(self.content.decode("utf-8"), parse_int=_integer, parse_float=_number)
        except (ValueError, RecursionError):
            return None
        return _masked(value, self.secrets) if isinstance(value, dict) and _carried(value, MAX_DEPTH) else None


def _forms(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as it stands in JSON or in a URL that is itself a text of the answer."""
    return tuple(dict.fromkeys((secret, secret.replace("/", "\\/"), quote(secret, safe=""))))


def _masked(value: Any, secrets: tuple[str, ...]) -> Any:
    """The same value without these secrets in any text of it, names included."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, _MASK)
        return value
    if isinstance(value, dict):
        return {_masked(name, secrets): _masked(item, secrets) for name, item in value.items()}
    return [_masked(item, secrets) for item in value] if isinstance(value, list) else value


def _integer(text: str) -> int:
    value = int(text) if len(text) < 20 else _MAX_INTEGER + 1
    if abs(value) > _MAX_INTEGER:
        raise ValueError("An integer beyond 2**53-1.")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("A number too large.")
    return value


def _carried(value: Any, depth: int) -> bool:
    """Whether the ledger and the database can hold the value unchanged: depth, surrogates, NUL."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, dict):
        return depth > 0 and all(_carried(name, 1) and _carried(item, depth - 1) for name, item in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_carried(item, depth - 1) for item in value)
    return True
