"""Takes sensitive values out of what the ledger is given: by the field they stand in, and wherever they are repeated. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from actions.definition import Definition
from policies.engine.currencies import money_text
from traces.ledger import Sensitive

# What nobody listed is a commitment: systems answer with more than was asked.
UNLISTED = "unlisted field"
# The parts of a change row that hold values of its field.
_VALUES = frozenset({"old", "new", "denied", "sent"})
# A number this small would stand in any sentence by chance.
_TELLING = 1000
# The longest value that stands in a path (actions.connectors.operation.fill), and the parts of an address.
_IN_PATH = 200
_PART = re.compile(r"[^/?&=#]+")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is sensitive in one call: `kinds` is field path -> kind, `texts` and `numbers` are values found there -> kind."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[int | float, str] = field(default_factory=dict)

    def kind_of(self, path: str) -> str | None:
        """The kind of what stands at a path, whatever it is nested in; None where it is not sensitive."""
        parts = path.split(".")
        return next(
            (self.kinds[tail] for tail in (".".join(parts[n:]) for n in range(len(parts))) if tail in self.kinds), None
        )

    def kind_of_leaf(self, path: str) -> str | None:
        """The same of a value that is neither record nor list: where a part of it should have been sensitive, all of it is."""
        parts = path.split(".")
        tails = [".".join(parts[n:]) + "." for n in range(len(parts))]
        under = (kind for name, kind in self.kinds.items() if "." in name and any(map(name.startswith, tails)))
        return self.kind_of(path) or next(under, None)


def secrets_of(definition: Definition, arguments: Mapping[str, Any], *sources: Mapping[str, Any]) -> Secrets:
    """Every sensitive value of the given arguments, records or answers, however deep."""
    known = Secrets(definition.sensitive)
    if not known.kinds:
        return known
    texts: dict[str, str] = {}
    numbers: dict[int | float, str] = {}
    for source in (arguments, *sources):
        for kind, leaf in _sensitive(source, "", known):
            if isinstance(leaf, str) and leaf:
                texts[leaf] = kind
            elif isinstance(leaf, int | float) and not isinstance(leaf, bool):
                numbers[leaf] = kind
    money = definition.money(arguments)
    if money and money[0] in numbers:
        texts[money_text(*money)] = numbers[money[0]]
    texts |= {str(number): kind for number, kind in numbers.items() if abs(number) >= _TELLING}
    # As they stand in paths, and in sentences that name a path.
    texts |= {quote(text, safe=""): kind for text, kind in texts.items() if len(text) <= _IN_PATH}
    return Secrets(definition.sensitive, texts, numbers)


def _sensitive(value: Any, path: str, known: Secrets, kind: str | None = None) -> Iterator[tuple[str, Any]]:
    """`(kind, leaf)` of everything at or under a sensitive path; a list's elements have the list's path."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else str(name)
            yield from _sensitive(item, inner, known, kind or known.kind_of(inner))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _sensitive(item, path, known, kind)
    elif (found := kind or known.kind_of_leaf(path)) is not None:
        yield found, value


def mask(value: Any, known: Secrets, path: str = "") -> Any:
    """A record, arguments or change rows with every sensitive part as a `Sensitive` leaf; texts that repeat one say its kind."""
    if isinstance(value, Mapping):
        if "field" in value and "kind" in value:
            return _mask_row(value, known)
        return {name: _mask_part(item, known, f"{path}.{name}" if path else str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask(item, known, path) for item in value]
    kind = known.kind_of_leaf(path) if path and value not in (None, "") else None
    if kind is not None:
        return Sensitive(value, kind)
    return _mask_text(value, known) if isinstance(value, str) else value


def _mask_part(item: Any, known: Secrets, path: str) -> Any:
    kind = known.kind_of(path)
    return mask(item, known, path) if kind is None else _withheld(item, kind)


def _mask_row(row: Mapping[str, Any], known: Secrets) -> dict[str, Any]:
    kind = known.kind_of(str(row["field"])) or row.get("withheld")
    if kind is None:
        return {name: mask(item, known, str(row["field"]) if name in _VALUES else "") for name, item in row.items()}
    return {name: _withheld(item, kind) if name in _VALUES else mask_words(item, known) for name, item in row.items()}


def _withheld(item: Any, kind: str) -> Any:
    """A value as a commitment; a list of plain values keeps its length, and nothing stays nothing."""
    if item is None or item == "":
        return item
    if isinstance(item, list | tuple) and not any(isinstance(part, Mapping | list | tuple) for part in item):
        return [_withheld(part, kind) for part in item]
    return Sensitive(item, kind)


def mask_words(value: Any, known: Secrets) -> Any:
    """Our own words about a call (a decision, a sentence) with the sensitive values they repeat taken out."""
    if isinstance(value, Mapping):
        return {name: mask_words(item, known) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_words(item, known) for item in value]
    if isinstance(value, str):
        return _mask_text(value, known)
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _TELLING
    return Sensitive(value, known.numbers[value]) if number and value in known.numbers else value


def _mask_text(text: str, known: Secrets) -> Any:
    return Sensitive(text, known.texts[text]) if text in known.texts else mask_inside(text, known)


def mask_inside(text: str, known: Secrets) -> str:
    """Replace sensitive values inside a sentence by their kind in brackets."""
    for secret, kind in sorted(known.texts.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(secret, f"[{kind}]")
    return text


def mask_path(path: str, known: Secrets) -> str:
    """A path with its sensitive parts by their kind in brackets, also numbers too small to look for in a sentence."""
    small = _small(known)
    parts = _PART.sub(lambda part: f"[{small[part[0]]}]" if part[0] in small else part[0], path)
    return mask_inside(parts, known)


def mask_name(name: str, known: Secrets, at: str = "") -> Any:
    """What one thing is known by, such as its id or the address of its page: withheld whole where a part of it is sensitive.

    `at` is the field of a record that it is read from. Half a name would lead nowhere, and whole names can be erased (R-42).
    """
    kind = (known.kind_of_leaf(at) if at else None) or _kind_inside(name, known)
    return Sensitive(name, kind) if name and kind else name


def _kind_inside(name: str, known: Secrets) -> str | None:
    small = _small(known)
    found = [kind for secret, kind in known.texts.items() if secret in name]
    found += [small[part] for part in _PART.findall(name) if part in small]
    return next(iter(found), None)


def _small(known: Secrets) -> dict[str, str]:
    return {str(number): kind for number, kind in known.numbers.items()}


def worded(value: Any) -> Any:
    """A masked value with each sensitive leaf as its kind in brackets, for sentences and tables."""
    if isinstance(value, Sensitive):
        return f"[{value.kind}]"
    if isinstance(value, Mapping):
        return {name: worded(item) for name, item in value.items()}
    return [worded(item) for item in value] if isinstance(value, list | tuple) else value
