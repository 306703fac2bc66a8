"""How large a pattern of `matches` is once its counted repeats are written out: what it costs for every character. Pure.

The library matches in time that grows with the text and with this size, so a size of tens of thousands takes half a minute for
the longest text of a call. A pattern that the call itself brings could have any size.
"""

import re

# A text of 64 KiB takes less than a second.
MOST = 1000
_COUNTED = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
# Signs that the language reads as others: what they repeat would not be seen here.
_SPELLED = re.compile(r"\\(?:[xXuU]|[0-7]{3})")


class BadPattern(ValueError):
    """A pattern that is no part of a policy. The message is a sentence."""


def check_pattern(token: str) -> None:
    """A string as CEL writes it, with its quotes. Raises BadPattern."""
    raw = token[:1] in "rR"
    if not raw and _SPELLED.search(token):
        raise BadPattern("Write the signs of a pattern themselves, not by their numbers.")
    if size(token) > MOST:
        raise BadPattern(f"This pattern has more than {MOST:,} signs with its repeats written out. Make it shorter.")


def size(pattern: str) -> int:
    """Signs of a pattern with each counted repeat as often as it may be; `+` and `*` cost nothing more."""
    totals, last, at = [0], 0, 0
    while at < len(pattern):
        counted = _COUNTED.match(pattern, at)
        if counted:
            last, at = last * max(int(counted[2] or counted[1]), 1), counted.end()
            continue
        sign, found = pattern[at], _CLASS.match(pattern, at)
        totals[-1] += last
        last, at = 1, found.end() if found else at + (2 if sign == "\\" else 1)
        if sign == "(":
            totals.append(0)
            last = 0
        elif sign == ")" and len(totals) > 1:
            last = max(totals.pop(), 1)
    return sum(totals) + last
