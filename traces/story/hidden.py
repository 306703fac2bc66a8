"""What stands in a trace without its value: how many of each kind, how many nobody has any more, and who erased them. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traces.story.facts import TraceFacts


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of one kind: how many there are on the page, and how many of those are erased."""

    name: str
    count: int
    erased: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """The values a page has no text of, and the acts that erased some."""

    kinds: Sequence[Kind] = ()
    acts: Sequence[Mapping[str, Any]] = ()

    @property
    def count(self) -> int:
        return sum(kind.count for kind in self.kinds)

    @property
    def erased(self) -> int:
        return sum(kind.erased for kind in self.kinds)


NOTHING = Hidden()


def hidden(facts: TraceFacts, *parts: Any) -> Hidden:
    """By kind, the most of one first, in the changes and calls as the page has them."""
    found = withheld_in(parts)
    counted = Counter(str(leaf["$withheld"]) for leaf in found)
    erased = Counter(str(leaf["$withheld"]) for leaf in found if leaf.get("$erased"))
    return Hidden([Kind(name, count, erased[name]) for name, count in counted.most_common()], list(facts.redactions))


def withheld_in(whole: Any) -> list[Mapping[str, Any]]:
    """Every withheld value inside, wherever it stands."""
    found: list[Mapping[str, Any]] = []
    waiting = [whole]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "$withheld" in item:
                found.append(item)
            else:
                waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
    return found
