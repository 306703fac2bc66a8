"""Sentences about an action, built from its arguments by the tool's own templates; never from an agent's prose. Pure."""

from collections.abc import Mapping
from typing import Any

from actions.definition import Definition
from actions.states import State
from policies.engine.currencies import money_text

_LONGEST = 200
FORMS = ("imperative", "present", "past")
# What is not said with "was" of a step that ended without success.
_ENDED = {
    State.EXPIRED: "expired", State.STALE: "went out of date", State.FAILED: "failed", State.FAILED_ATTESTED: "was not done",
}  # fmt: skip


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def sentences(definition: Definition, arguments: Mapping[str, Any], record: Mapping[str, Any] | None) -> dict[str, str]:
    """The three forms of what this call does: imperative, present, past. As long as they are: masked first, then `cut`."""
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
    return {form: _plural(str(words[form]).format_map(known), len(fields)) for form in FORMS}


def cut(sentence: str) -> str:
    """What is too long for a title says so; the payload below it is whole."""
    return sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 1]}…"


def ended(step: int, state: str) -> str:
    """`Step 2 was rejected.`, `Step 2 expired.`"""
    return f"Step {step} {_ENDED.get(State(state), f'was {state}')}."


def _plural(sentence: str, count: int) -> str:
    return sentence.replace("1 account fields", "1 account field") if count == 1 else sentence
