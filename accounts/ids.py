"""Public ids: a prefix and a ULID in Crockford base 32. Never reused, so a stale grant cannot meet a new object (R-14)."""

import re
import secrets
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PATTERN = re.compile(r"\A[a-z]{3}_[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """`prefix_` and 26 characters: 48 bits of milliseconds, then 80 random bits. Ids of one process only grow."""
    number = _next_number()
    return prefix + "_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))


def _next_number() -> int:
    """Greater than any before it: within one millisecond, and when the machine's clock steps back, it counts on by one."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    with _lock:
        same_millisecond_or_earlier = fresh >> 80 <= _last >> 80
        _last = _last + 1 if same_millisecond_or_earlier else fresh
        return _last


def is_id(prefix: str, text: str) -> bool:
    """Whether `text` has the form of an id of that kind."""
    return text.startswith(prefix + "_") and _PATTERN.match(text) is not None
