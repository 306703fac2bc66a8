"""Durations of the language as seconds. Pure."""

import re

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> int:
    """`15min` as seconds."""
    number, unit = re.match(r"(\d+)(\w+)", duration).groups()  # type: ignore[union-attr]  # the schema checked it
    return int(number) * _UNITS[unit]
