"""Row scopes as sentences: what pickers say, as CEL, and CEL of that shape back as pickers. Pure.

An expression that pickers cannot say stays CEL: it is shown and edited as it is, never guessed at.
"""

import json
import re
from dataclasses import dataclass

PERSON = {"requester_email": "requester.email", "requester_id": "requester.id", "agent_id": "agent.id"}
# key -> (words in a sentence, CEL with {f} the field and {v} the value, whether it takes a value)
OPERATORS: dict[str, tuple[str, str, bool]] = {
    "is": ("is", "{f} == {v}", True),
    "is_not": ("is not", "{f} != {v}", True),
    "one_of": ("is one of", "{f} in {v}", True),
    "starts": ("starts with", "{f}.startsWith({v})", True),
    "ends": ("ends with", "{f}.endsWith({v})", True),
    "at_most": ("is at most", "{f} <= {v}", True),
    "at_least": ("is at least", "{f} >= {v}", True),
    "requester_email": ("is the email of the person who asked", "{f} == requester.email", False),
    "requester_id": ("is the id of the person who asked", "{f} == requester.id", False),
    "agent_id": ("is the id of the agent", "{f} == agent.id", False),
}
_FIELD = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_TEXT = r'"(?:[^"\\\n]|\\.)*"'
_NUMBER = r"-?\d{1,15}(?:\.\d+)?"
_LITERAL = rf"(?:{_TEXT}|-?\d+(?:\.\d+)?|true|false)"
_SHAPES = [
    (key, re.compile(_shape)) for key, _shape in (
        ("one_of", rf"record\.({_FIELD}) in \[({_LITERAL}(?:, ?{_LITERAL})*)\]"),
        ("starts", rf"record\.({_FIELD})\.startsWith\(({_TEXT})\)"),
        ("ends", rf"record\.({_FIELD})\.endsWith\(({_TEXT})\)"),
        ("at_most", rf"record\.({_FIELD}) <= (-?\d+(?:\.\d+)?)"),
        ("at_least", rf"record\.({_FIELD}) >= (-?\d+(?:\.\d+)?)"),
        ("requester_email", rf"record\.({_FIELD}) == requester\.email"),
        ("requester_id", rf"record\.({_FIELD}) == requester\.id"),
        ("agent_id", rf"record\.({_FIELD}) == agent\.id"),
        ("is", rf"record\.({_FIELD}) == ({_LITERAL})"),
        ("is_not", rf"record\.({_FIELD}) != ({_LITERAL})"),
    )
]  # fmt: skip
_AND = re.compile(r"\s*&&\s*")


class NotSayable(ValueError):
    """A condition that pickers cannot put into CEL; the text is the remedy."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One picked line: a field of the record, what is said of it, and the value as typed; a list has one value a comma."""

    field: str
    operator: str
    value: str = ""

    @property
    def sentence(self) -> str:
        """`region is EU`."""
        words, _, takes_value = OPERATORS[self.operator]
        return f"{self.field} {words} {self.value}" if takes_value else f"{self.field} {words}"


def to_cel(conditions: list[Condition]) -> str:
    """All of the conditions, as one expression. Raises NotSayable."""
    return " && ".join(map(_one, conditions))


def from_cel(expression: str) -> list[Condition] | None:
    """The conditions an expression is made of; None where pickers cannot say it."""
    found: list[Condition] = []
    at, text = 0, expression.strip()
    while at < len(text):
        match = next(((key, hit) for key, shape in _SHAPES if (hit := shape.match(text, at))), None)
        if match is None:
            return None
        key, hit = match
        found.append(Condition(hit[1], key, _typed(hit[2]) if OPERATORS[key][2] else ""))
        joint = _AND.match(text, hit.end())
        at = joint.end() if joint else hit.end()
        if (joint is None) != (at == len(text)):
            return None
    return found or None


def sentence_of(expression: str, noun: str) -> str | None:
    """`Only account records where region is EU.`; None where it has to be read as CEL."""
    conditions = from_cel(expression)
    if conditions is None:
        return None
    return f"Only {noun.lower()} records where {' and '.join(found.sentence for found in conditions)}."


def _one(condition: Condition) -> str:
    if not re.fullmatch(_FIELD, condition.field):
        raise NotSayable(f"{condition.field} cannot be picked. Write this condition as CEL.")
    _, shape, takes_value = OPERATORS[condition.operator]
    field = f"record.{condition.field}"
    if not takes_value:
        return shape.format(f=field)
    return shape.format(f=field, v=_value(condition))


def _value(condition: Condition) -> str:
    text = condition.value.strip()
    if not text:
        raise NotSayable(f"Say what {condition.field} is compared with.")
    if condition.operator == "one_of":
        return f"[{_list(condition, text)}]"
    if condition.operator in {"starts", "ends"}:
        return json.dumps(_unquoted(text), ensure_ascii=False)
    if condition.operator in {"at_most", "at_least"} and not re.fullmatch(_NUMBER, text):
        raise NotSayable("Compare sizes with a number of 15 digits at most before its point.")
    return _literal(text)


def _list(condition: Condition, text: str) -> str:
    parts = _parts(text)
    if not parts:
        raise NotSayable(f"Write the values that {condition.field} may be, with commas between them.")
    return ", ".join(map(_literal, parts))


def _parts(text: str) -> list[str]:
    """Values between commas; a comma inside quotes belongs to its value."""
    return [part.strip() for part in re.findall(rf"\s*(?:{_TEXT}|[^,]+)", text) if part.strip()]


def _literal(text: str) -> str:
    """A number or true, false as such; everything else is text. Quotes make text of a number."""
    if re.fullmatch(rf"{_NUMBER}|true|false", text):
        return text
    return json.dumps(_unquoted(text), ensure_ascii=False)


def _unquoted(text: str) -> str:
    return str(json.loads(text)) if re.fullmatch(_TEXT, text) and _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _typed(value: str) -> str:
    """A literal as a person types it: text without quotes unless it would read as something else."""
    if value.startswith('"') and value.count('"') == 2:
        inner = _unquoted(value)
        plain = (
            inner and inner == inner.strip() and "," not in inner and not re.fullmatch(rf"{_NUMBER}|true|false", inner)
        )
        return inner if plain else value
    if value.startswith('"'):
        return ", ".join(_typed(part) for part in _parts(value)) if len(_parts(value)) > 1 else value
    return value
