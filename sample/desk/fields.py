"""The fields of each kind of record: which there are, and which values fit. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sample.desk.problems import Refused

Rule = Callable[[Any], str]
# Nothing below a space but tab and line ends, no DEL, no C1 controls: none belongs in a text of a record.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Anything that some mail program takes for the end of a header line.
_LINE_END = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")


def text(most: int, *, least: int = 0, lines: bool = True) -> Rule:
    """A text of so many characters; without `lines`, one that stays on one line."""
    bad = _CONTROL if lines else _LINE_END

    def problem(value: Any) -> str:
        fits = isinstance(value, str) and least <= len(value) <= most and not bad.search(value)
        return "" if fits else f"a text of {least} to {most} characters{'' if lines else ' on one line'}"

    return problem


def like(pattern: str, words: str) -> Rule:
    """A text that matches as a whole."""
    return lambda value: "" if isinstance(value, str) and re.fullmatch(pattern, value) else words


def one_of(*known: str) -> Rule:
    """One of these texts."""
    return lambda value: "" if value in known else f"one of {', '.join(known)}"


def minor_units(value: Any) -> str:
    """A positive whole number; `true` and `1.0` are not."""
    return "" if type(value) is int and 0 < value < 10**12 else "a positive whole number of minor units"


EMAIL = like(_EMAIL.pattern, "one email address")
ACCOUNT: Mapping[str, Rule] = {
    "name": text(120, least=1, lines=False),
    "region": one_of("EU", "US"),
    "tier": text(40, lines=False),
    "billing_email": EMAIL,
    "credit_limit": like(r"[0-9]{1,9}\.[0-9]{2}", 'an amount such as "5000.00"'),
    "refund_status": text(60, lines=False),
    "last_contact_reason": text(200),
    "owner_note": text(500),
}
TICKET: Mapping[str, Rule] = {"status": one_of("open", "pending", "closed"), "note": text(500)}
WRITABLE = {"accounts": ACCOUNT, "tickets": TICKET}
REFUND: Mapping[str, Rule] = {
    "order_id": text(40, least=1, lines=False),
    "charge_id": text(60, least=1, lines=False),
    "amount": minor_units,
    "currency": like(r"[A-Z]{3}", "an ISO 4217 code"),
    "reason": text(200, least=1, lines=False),
}
MAIL: Mapping[str, Rule] = {
    "to": EMAIL,
    "subject": text(200, least=1, lines=False),
    "body": text(20_000, least=1),
}
# What the desk silently does to a value on its way in.
_NORMALISED: Mapping[str, Callable[[str], str]] = {"last_contact_reason": lambda value: " ".join(value.split()).lower()}


def check(given: Mapping[str, Any], rules: Mapping[str, Rule], *, complete: bool) -> None:
    """Raises Refused 422 naming the first field that is unknown, missing or of the wrong form."""
    for name in given:
        if name not in rules:
            raise Refused(422, f"{name[:60]} is not a field here. Known: {', '.join(rules)}.")
    for name in rules if complete else ():
        if name not in given:
            raise Refused(422, f"{name} is missing.")
    for name, value in given.items():
        if problem := rules[name](value):
            raise Refused(422, f"{name} is {problem}.")
    if not given:
        raise Refused(422, "Send at least one field.")


def stored_form(name: str, value: str) -> str:
    """The value as the desk keeps it."""
    return _NORMALISED.get(name, str)(value)
