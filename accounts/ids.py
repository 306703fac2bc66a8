"""Public ids: a prefix and a ULID in Crockford base 32. Never reused, so a stale grant cannot meet a new object (R-14)."""

import re
import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PATTERN = re.compile(r"\A[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}\Z")


def new_id(prefix: str) -> str:
    """`prefix_` and 26 characters: 48 bits of milliseconds, then 80 random bits."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return prefix + "_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))


def is_id(prefix: str, text: str) -> bool:
    """Whether `text` has the form of an id of that kind."""
    return text.startswith(prefix + "_") and _PATTERN.match(text) is not None
