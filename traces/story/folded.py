"""Folds long lists of a story to what matters: the first, the last and the exceptions; the rest by name and number. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

# A list up to so long is shown whole; of a longer one, so many exceptions stand open.
LONGEST = 30
OPEN = 20

Row = Mapping[str, Any]


def folded(
    rows: Sequence[Row], *, name: str, is_exception: Callable[[Row], bool], whole: bool, opened: Collection[str] = ()
) -> list[Row]:
    """The rows to show, those whose `ref` was `opened` among them: a link to a row leads to it also where it would be folded.

    What is left out stands as `{"folded": "crm.account.get ×39", "rows": 39}` in its place.
    """
    if whole or len(rows) <= LONGEST:
        return list(rows)
    worth = [place for place, row in enumerate(rows) if is_exception(row)][:OPEN]
    linked = [place for place, row in enumerate(rows) if row.get("ref") in opened] if opened else []
    kept = sorted({0, len(rows) - 1, *worth, *linked})
    shown: list[Row] = [rows[0]]
    for before, place in pairwise(kept):
        if place > before + 1:
            shown.append(_fold(rows[before + 1 : place], name, is_exception))
        shown.append(rows[place])
    return shown


def _fold(rows: Sequence[Row], name: str, is_exception: Callable[[Row], bool]) -> Row:
    counted = Counter(str(row[name]) for row in rows)
    text = ", ".join(f"{key} ×{number}" for key, number in counted.most_common(4))
    more = f" and {len(counted) - 4} others" if len(counted) > 4 else ""
    odd = sum(map(is_exception, rows))
    return {"folded": f"{text}{more}", "rows": len(rows), "exceptions": odd}
