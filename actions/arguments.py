"""Checks a call's arguments against the tool's closed schema, with errors that name the field and the remedy. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from actions.definition import Definition
from policies.engine.ecma import compiled, stands_twice

MOST_PROBLEMS = 20
# Of names that are an agent's own: how many are told, and how much of each, in characters.
MOST_NAMES, LONGEST_NAME = 5, 60


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`pattern` as JSON Schema means it: `$` is the end of the text, where Python's also matches before a newline (R-05)."""
    if isinstance(instance, str) and not compiled(pattern).search(instance):
        yield ValidationError("does not match")


def _unique(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The library compares every pair of a mixed list: seconds for what fits in one call (A-08)."""
    if wanted and isinstance(instance, list) and stands_twice(instance):
        yield ValidationError("holds a value twice")


Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique}
)


@dataclass(frozen=True, slots=True)
class ArgumentProblem:
    """One thing wrong with the arguments: JSON Pointer and a sentence."""

    pointer: str
    message: str


class BadArguments(Exception):
    """Arguments that do not fit the tool's schema; nothing was proposed."""

    def __init__(self, problems: tuple[ArgumentProblem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{problem.pointer}: {problem.message}" for problem in problems))


def check_arguments(definition: Definition, arguments: Mapping[str, Any]) -> None:
    """Raises BadArguments. The schema's own `additionalProperties: false` makes unknown names an error (B-06)."""
    validator = Validator(definition.input_schema)
    found = sorted(validator.iter_errors(arguments), key=lambda error: list(map(str, error.absolute_path)))
    if found:
        raise BadArguments(tuple(_problem(error) for error in found[:MOST_PROBLEMS]))
    if definition.data.get("money") and definition.money(arguments) is None:
        raise BadArguments((_uncounted(definition.data["money"]),))


def _uncounted(spec: Mapping[str, Any]) -> ArgumentProblem:
    """An amount that cannot be counted passes every limit on money; a schema that lets one through does not decide that."""
    told = f"Say how much in whole minor units, and in {spec['currency']} the currency, as in USD."
    return ArgumentProblem(f"/{spec['amount']}", told)


def _problem(error: ValidationError) -> ArgumentProblem:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path]
    return ArgumentProblem(pointer_of(parts), _sentence(error))


def pointer_of(parts: Iterable[str]) -> str:
    """Where something is wrong, told of names that may be an agent's own and of any length."""
    return "/" + "/".join(map(_short, parts))


def _sentence(error: ValidationError) -> str:
    """A sentence that names the rule, without echoing long or secret values back."""
    rule: str = str(error.validator)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if rule == "required":
        missing = [name for name in wanted if name not in instance]
        return f"{', '.join(missing)} is missing. Add it."
    if rule == "additionalProperties":
        known = set(schema.get("properties", {}))
        extra = sorted(set(instance) - known)
        return f"{_some(extra)} is not an argument of this tool. Remove it. Known: {', '.join(sorted(known))}."
    return f"The value must satisfy {rule}: {str(wanted)[:120]}."


def _some(names: Sequence[str]) -> str:
    """The first names, each cut, and how many more there are."""
    told = ", ".join(map(_short, names[:MOST_NAMES]))
    return f"{told} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else told


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
