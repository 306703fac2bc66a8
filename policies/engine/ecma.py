"""Patterns and equality as JSON Schema means them, in time that grows with what is checked. Pure."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """As ECMA-262 reads it: `$` is the end, never the place before a last line break; `\\d` is 0 to 9. Raises re.error.

    INVARIANT: a sign that is escaped or in a class stays itself. Held by tests/policies/test_ecma.py.
    """
    found, escaped, in_class = list[str](), False, False
    for sign in pattern:
        found.append(r"\Z" if sign == "$" and not escaped and not in_class else sign)
        in_class = in_class if escaped else sign == "[" or (in_class and sign != "]")
        escaped = sign == "\\" and not escaped
    return re.compile("".join(found), re.ASCII)


def stands_twice(items: Sequence[Any]) -> bool:
    """Whether two items are equal, however mixed they are: 1 is 1.0, and true is neither."""
    return len({json.dumps(_plain(item), sort_keys=True) for item in items}) < len(items)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
