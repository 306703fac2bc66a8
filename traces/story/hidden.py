"""What stands in a trace without its value: how many of each kind, how many nobody has any more, and who erased them. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
    found = [leaf for part in parts for leaf in withheld_in(part)]
    counted = Counter(str(leaf["$withheld"]) for leaf in found)
    erased = Counter(str(leaf["$withheld"]) for leaf in found if leaf.get("$erased"))
    return Hidden([Kind(name, count, erased[name]) for name, count in counted.most_common()], list(facts.redactions))


def withheld_in(item: Any) -> Iterator[Mapping[str, Any]]:
    """Every withheld value inside, wherever it stands."""
    if isinstance(item, Mapping):
        if "$withheld" in item:
            yield item
        else:
            for value in item.values():
                yield from withheld_in(value)
    elif isinstance(item, list | tuple):
        for value in item:
            yield from withheld_in(value)
