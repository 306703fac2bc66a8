"""Sentences about an action, built from its arguments by the tool's own templates; never from an agent's prose. Pure."""

from collections.abc import Mapping
from typing import Any

from actions.definition import Definition

_LONGEST = 200
FORMS = ("imperative", "present", "past")
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def money_text(amount_minor: int, currency: str, digits: int = 2) -> str:
    """`$240.00`, or `240.00 SEK` where the currency has no symbol of its own here."""
    units, rest = divmod(abs(amount_minor), 10**digits)
    sign = "-" if amount_minor < 0 else ""
    whole = f"{sign}{units:,}.{rest:0{digits}d}" if digits else f"{sign}{units:,}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{whole}" if symbol else f"{whole} {currency}"


def sentences(definition: Definition, arguments: Mapping[str, Any], record: Mapping[str, Any] | None) -> dict[str, str]:
    """The three forms of what this call does: imperative, present, past."""
    known = _Known({name: value for name, value in arguments.items() if isinstance(value, str | int)})
    fields = definition.fields(arguments)
    known["fields"] = ", ".join(sorted(fields))
    known["field_count"] = str(len(fields))
    known["record_id"] = str(arguments.get(next(iter(sorted(definition.path_arguments())), ""), ""))
    known["record_name"] = str((record or {}).get("name", known["record_id"]))
    money = definition.money(arguments)
    if money:
        known["amount_text"] = money_text(*money)
    words = definition.data["words"]
    return {form: _plural(str(words[form]).format_map(known), len(fields))[:_LONGEST] for form in FORMS}


def _plural(sentence: str, count: int) -> str:
    return sentence.replace("1 account fields", "1 account field") if count == 1 else sentence
