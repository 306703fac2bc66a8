"""CEL expressions: compiled at load, over a closed list of names; any error at run time is reported, never skipped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cel

NAMES = frozenset({"args", "fields", "record", "agent", "requester", "tool", "money", "recipients"})
_LITERALS = frozenset({"true", "false", "null"})
# Names a comprehension may bind for its own element.
_BOUND = frozenset({"x", "y", "item", "address", "name"})


class BadExpression(ValueError):
    """An expression that does not compile or uses a name it may not."""


class EvaluationFailed(Exception):
    """An expression that gave an error or something other than true or false."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled predicate."""

    source: str
    program: Any = field(repr=False, compare=False)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Raises EvaluationFailed; the caller denies (Cedar's skip is not copied)."""
        try:
            result = self.program.execute(dict(values))
        except Exception as error:  # The CEL runtime raises several unrelated types; all of them mean "cannot tell".
            raise EvaluationFailed(f"{type(error).__name__}: {error}"[:200]) from error
        if not isinstance(result, bool):
            raise EvaluationFailed(f"the result is a {type(result).__name__}, not true or false")
        return result


def compile_expression(source: str) -> Expression:
    """Raises BadExpression with a sentence."""
    try:
        program = cel.compile(source)
    except Exception as error:  # As above: one border for every parser error.
        raise BadExpression(f"This is not a CEL expression: {str(error).splitlines()[0][:160]}.") from error
    unknown = sorted(set(program.variables()) - NAMES - _LITERALS - _BOUND)
    if unknown:
        raise BadExpression(f"{', '.join(unknown)} is not known here. Use one of {', '.join(sorted(NAMES))}.")
    return Expression(source, program)
