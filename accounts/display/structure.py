"""Values with parts as text: JSON, which tells a text from a number and one part from two. Pure."""

import json
from collections.abc import Mapping
from typing import Any

BETWEEN = ", "


def as_words(value: Any) -> str:
    """A recorded value as one text: null is empty, a text is itself, a simple list its parts, anything else JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return BETWEEN.join(value) if is_simple(value) else as_json(value)


def as_json(value: Any) -> str:
    """JSON in lines, its names in order."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def is_simple(value: Any) -> bool:
    """Whether a list reads as its parts with commas between them, and no other list would read the same."""
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_word, value))


def _is_word(part: Any) -> bool:
    return isinstance(part, str) and bool(part.strip()) and BETWEEN not in part and "\n" not in part


def has_parts(value: Any) -> bool:
    """Whether a value is an object, or a list that reads as JSON alone."""
    return isinstance(value, Mapping | list | tuple) and bool(value) and not is_simple(value)
