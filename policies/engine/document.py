"""YAML text to a Document, or every mistake in it with line, column and remedy."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from policies.engine.builder import Builder
from policies.engine.ecma import compiled, stands_twice
from policies.engine.parts import Document, Role
from policies.engine.problems import PolicyError, Problem
from policies.engine.schema import SCHEMA
from policies.engine.yaml_source import Path, Source, read

__all__ = ["Document", "Role", "load", "load_plain", "request_problems"]


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not compiled(pattern).search(value):
        yield ValidationError(f"It does not match {pattern}.")


def _unique(validator: Any, wanted: bool, value: Any, schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(value, list) and stands_twice(value):
        yield ValidationError("The same value stands twice. Keep one of them")


def _is_whole(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_VALIDATOR = extend(  # type: ignore[no-untyped-call]  # jsonschema leaves it untyped
    Draft202012Validator,
    {"pattern": _pattern, "uniqueItems": _unique},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)(SCHEMA)
_GIVEN = _VALIDATOR.evolve(schema=SCHEMA["properties"]["tests"]["items"]["properties"]["given"])


def load(text: str) -> Document:
    """A document from YAML text. Raises PolicyError with every problem found, each with line, column and path."""
    return _built(read(text))


def load_plain(plain: Mapping[str, Any]) -> Document:
    """The same from a plain value, which has no lines: for a document that is looked at and not kept."""
    return _built(Source(plain))


def _built(source: Source) -> Document:
    problems = list(_schema_problems(source, _VALIDATOR))
    if problems:
        raise PolicyError(tuple(sorted(problems, key=lambda problem: (problem.line, problem.column))))
    return Builder(source).build()


def request_problems(given: Any) -> list[Problem]:
    """What is wrong with a request as a document's tests and `remit_policy eval` write it; without lines."""
    return list(_schema_problems(Source(given), _GIVEN))


def _schema_problems(source: Source, validator: Any) -> Iterator[Problem]:
    for error in validator.iter_errors(source.value):
        path: Path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_names(source, path, error.instance, error.schema)
        elif "propertyNames" in error.relative_schema_path:
            yield source.problem((*path, error.instance), _words(error))
        else:
            yield source.problem(path, _words(error))


def _unknown_names(source: Source, path: Path, value: Mapping[str, Any], schema: Any) -> Iterator[Problem]:
    known = schema["properties"]
    listed = ", ".join(sorted(known))
    for name in sorted(set(value) - set(known)):
        yield source.problem((*path, name), f"{name or 'An empty name'} is not known here. Use one of: {listed}.")


_EITHER = {
    ("require", "forbid"): "An invariant has either require or forbid.",
    ("from", "days"): "A freeze has either from and until, or days, start and end.",
}


_KINDS = {dict: "a record", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
_WANTED = {
    "object": "a record",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
}
# By how a pattern of the schema begins; every one of them is here.
_PATTERNS = {
    r"^\d{4}": "a time. Write UTC as 2026-11-21T08:00Z.",
    "^[1-9]": "a duration. Write 30s, 15min, 1h or 7d.",
    "^([01]": "a time of day. Write it in quotes as '08:00'.",
    r"^[^.": "a field. Join the names of a path by dots, as in address.city.",
    r"^[^\sA-Z@]": "an email. Write it in small letters, as in maya@northwind.example.",
    "^[a-z0-9]": "an attribute of people. Write small letters, digits, spaces, _, . or -, 80 at most, as in finance.",
    "^[A-Z]": "a currency. Write its ISO 4217 code, as in USD.",
    "^[a-z][a-z0-9": "a name. Begin with a small letter; then small letters, digits, _, . or -, 80 at most.",
    "^[a-z][a-z ]": "a kind of value. Write small letters and spaces, 40 at most, as in email.",
    "^[a-z_]+": "a control. Write its capability and its name, as in side_effect.multi_step_approvals.",
    "^(https": "an address. Write it with https:// before it, or a path of this console.",
}


def _words(error: ValidationError) -> str:
    """What is wrong and what to write, for the mistakes whose own words would not help."""
    rule = str(error.validator)
    wanted: Any = error.validator_value
    if rule == "oneOf":
        return _EITHER[tuple(option["required"][0] for option in wanted)]
    if rule == "anyOf":
        return "A step names a group, people, or attributes of people. Add at least one of them."
    if rule == "pattern":
        what = next(what for start, what in _PATTERNS.items() if wanted.startswith(start))
        return f"{str(error.instance)[:60]!r} is not {what}"
    if rule == "type":
        return f"This is {_KINDS.get(type(error.instance), 'a number')}. Write {_WANTED.get(str(wanted), 'a record')}."
    if rule == "dependentRequired":
        instance: Any = error.instance
        name, other = _alone(instance, wanted)
        return f"{name} stands only beside {other}. Add {other}, or remove {name}."
    if rule == "maxLength":
        return f"This is longer than {wanted} characters. Make it shorter."
    if rule == "required":
        return f"{error.message[:200]}. Add it."
    return f"{error.message[:200]}."


def _alone(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, str]:
    """The first term that stands without one it needs, and that one."""
    return next(
        (name, other) for name, needs in wanted.items() for other in needs if name in value and other not in value
    )
