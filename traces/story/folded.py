"""Folds long lists of a story to what matters: the first, the last and the exceptions; the rest by name and number. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any

# A list up to so long is shown whole; of a longer one, so many exceptions stand open, and so many that are alike.
LONGEST = 30
OPEN = 20
ALIKE = 3

Row = Mapping[str, Any]


def folded(
    rows: Sequence[Row],
    *,
    name: str,
    is_exception: Callable[[Row], Hashable],
    whole: bool,
    opened: Collection[str] = (),
) -> list[Row]:
    """The rows to show, those whose `ref` was `opened` among them: a link to a row leads to it also where it would be folded.

    `is_exception` says what is exceptional about a row, nothing where nothing is: of the same exception the first ALIKE stand.
    What is left out stands as `{"folded": "crm.account.get ×39", "rows": 39, "all": 41}` in its place.
    """
    if whole or len(rows) <= LONGEST:
        return list(rows)
    worth = _worth(rows, is_exception)
    linked = [place for place, row in enumerate(rows) if row.get("ref") in opened] if opened else []
    kept = sorted({0, len(rows) - 1, *worth, *linked})
    shown: list[Row] = [rows[0]]
    for before, place in pairwise(kept):
        if place > before + 1:
            shown.append({**_fold(rows[before + 1 : place], name, is_exception), "all": len(rows)})
        shown.append(rows[place])
    return shown


def _worth(rows: Sequence[Row], is_exception: Callable[[Row], Hashable]) -> list[int]:
    """Places of the exceptions that stand."""
    seen: Counter[Hashable] = Counter()
    found: list[int] = []
    for place, row in enumerate(rows):
        kind = is_exception(row)
        seen[kind] += 1
        if kind and seen[kind] <= ALIKE and len(found) < OPEN:
            found.append(place)
    return found


def _fold(rows: Sequence[Row], name: str, is_exception: Callable[[Row], Hashable]) -> Row:
    counted = Counter(str(row[name]) for row in rows)
    text = ", ".join(f"{key} ×{number:,}" for key, number in counted.most_common(4))
    more = f" and {len(counted) - 4} others" if len(counted) > 4 else ""
    odd = sum(bool(is_exception(row)) for row in rows)
    return {"folded": f"{text}{more}", "rows": len(rows), "exceptions": odd}
