"""CEL expressions: compiled at load, over a closed list of names; any error at run time is reported, never skipped.

One evaluation costs mostly the conversion of what it is given, so a context is made once a decision and holds only what
the expressions of that decision read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from policies.engine.celcore import cel
from policies.engine.celtree import MACROS, Node, NotParsed, parse
from policies.engine.celwalk import MOST, growth, is_macro, nesting, power, walks_record, weight
from policies.engine.patterns import BadPattern, check_pattern

NAMES = frozenset({"args", "fields", "record", "agent", "requester", "tool", "money", "recipients"})
# Names whose parts may be left out of a context when only some are read.
_OBJECTS = NAMES - {"recipients"}
MAX_NESTED = 2
FUNCTIONS = MACROS | {
    "size", "startsWith", "endsWith", "contains", "matches", "has", "int", "uint", "double", "string", "type",
    "timestamp", "duration",
}  # fmt: skip


class BadExpression(ValueError):
    """An expression that does not compile or uses a name it may not."""


class EvaluationFailed(Exception):
    """An expression that gave an error or something other than true or false."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled predicate. `reads` is name -> the members read of it, or None where the whole of it is.

    `walk` is its tree where macros walk lists, and `most` how many elements they may; both None elsewhere.
    """

    source: str
    program: Any = field(repr=False, compare=False)
    reads: Mapping[str, frozenset[str] | None] = field(repr=False, compare=False)
    walk: Node | None = field(default=None, repr=False, compare=False)
    most: int | None = field(default=None, repr=False, compare=False)

    def holds(self, context: "Context") -> bool:
        """Raises EvaluationFailed; the caller denies (Cedar's skip is not copied)."""
        try:
            if self.walk is not None:
                self._check_walk(self.walk, context)
            result = self.program.execute(context.prepared())
        except EvaluationFailed:
            raise
        except Exception as error:  # The CEL runtime raises several unrelated types; all of them mean "cannot tell".
            # Only the kind of error: its words may hold values of the record.
            raise EvaluationFailed(type(error).__name__) from error
        if result is not True and result is not False:
            raise EvaluationFailed(f"the result is a {type(result).__name__}, not true or false")
        return bool(result)

    def _check_walk(self, walk: Node, context: "Context") -> None:
        if self.most is not None and sum(map(context.weight, self.reads)) > self.most:
            raise EvaluationFailed(f"it would walk more than {self.most} elements")
        if walks_record(walk, {name: (context.part(name),) for name in self.reads}):
            raise EvaluationFailed("a macro walks a record; only a list has an order")


class Context:
    """The values of one decision, converted for CEL at the first expression that asks."""

    __slots__ = ("_prepared", "_weights", "reads", "values")

    def __init__(self, values: Mapping[str, Any], reads: Mapping[str, frozenset[str] | None]) -> None:
        self.values, self.reads = values, reads
        self._prepared: Any = None
        self._weights: dict[str, int] = {}

    def prepared(self) -> Any:
        """The CEL context. Made once."""
        if self._prepared is None:
            self._prepared = cel.Context(variables={name: self.part(name) for name in self.reads})
        return self._prepared

    def part(self, name: str) -> Any:
        """What is read of one name."""
        value, members = self.values[name], self.reads[name]
        if members is None or not isinstance(value, Mapping):
            return value
        return {key: value[key] for key in members if key in value}

    def weight(self, name: str) -> int:
        """How many elements that has. Counted once."""
        if name not in self._weights:
            self._weights[name] = weight(self.part(name))
        return self._weights[name]


def union(expressions: Iterable[Expression]) -> dict[str, frozenset[str] | None]:
    """What several expressions read together."""
    found: dict[str, frozenset[str] | None] = {}
    for expression in expressions:
        for name, members in expression.reads.items():
            before = found.get(name, frozenset())
            found[name] = None if members is None or before is None else members | before
    return found


@lru_cache(maxsize=4096)
def compile_expression(source: str) -> Expression:
    """Raises BadExpression with a sentence."""
    try:
        tree = parse(source)
    except NotParsed as error:
        raise BadExpression(str(error)) from error
    reads = _reads(tree, frozenset())
    _check_names(tree, reads)
    try:
        program = cel.compile(source)
    except Exception as error:  # One border for every parser error of the library.
        raise BadExpression(f"This is not a CEL expression: {str(error).splitlines()[0][:160]}.") from error
    return Expression(source, program, reads, tree if nesting(tree) else None, _most(tree))


def _most(tree: Node) -> int | None:
    """How many elements the expression may walk. Raises BadExpression where that would be too few to be of use."""
    whole = MOST[min(power(tree), len(MOST) - 1)]
    if whole is not None and whole // growth(tree) < 20:
        raise BadExpression("This joins too many lists or texts to walk them. Split it into several rules.")
    return whole and whole // growth(tree)


def _check_names(tree: Node, reads: Mapping[str, Any]) -> None:
    unknown = sorted(set(reads) - NAMES)
    if unknown:
        raise BadExpression(f"{', '.join(unknown)} is not known here. Use one of {', '.join(sorted(NAMES))}.")
    calls = [node for node in tree.walk() if node.kind == "call"]
    called = sorted({node.name for node in calls} - FUNCTIONS)
    if called:
        raise BadExpression(f"{called[0]}() is not a function of policy. Use one of {', '.join(sorted(FUNCTIONS))}.")
    for node in (call for call in calls if call.name == "matches"):
        _check_pattern(node.args[-1])
    for node in filter(is_macro, calls):
        if node.args[0] is None or len(node.args) < 3 or node.args[1] is None or node.args[1].kind != "ident":
            raise BadExpression(f"{node.name} is written list.{node.name}(x, …).")
    if nesting(tree) > MAX_NESTED:
        raise BadExpression(f"Macros are nested deeper than {MAX_NESTED}. Split this into several rules.")


def _check_pattern(node: Node | None) -> None:
    """INVARIANT: no call brings the pattern it is held against. Held by tests/policies/test_patterns.py."""
    if node is None or (node.kind, node.name) != ("literal", "string"):
        raise BadExpression("matches() takes a pattern that is written out in the policy, as in matches('^a+$').")
    try:
        check_pattern(node.text)
    except BadPattern as error:
        raise BadExpression(str(error)) from error


def _reads(node: Node, bound: frozenset[str]) -> dict[str, frozenset[str] | None]:
    """Free names and the members read of each; a name used as a whole maps to None."""
    found: dict[str, frozenset[str] | None] = {}
    _collect(node, bound, found)
    return found


def _collect(node: Node, bound: frozenset[str], found: dict[str, frozenset[str] | None]) -> None:
    base = node.args[0] if node.args else None
    if node.kind == "select" and base is not None and base.kind == "ident" and base.name not in bound:
        before = found.get(base.name, frozenset())
        whole = before is None or base.name not in _OBJECTS
        found[base.name] = None if whole else before | {node.name}  # type: ignore[operator]  # `whole` covers None
        return
    if node.kind == "ident" and node.name not in bound:
        found[node.name] = None
        return
    inner = bound
    parts = list(node.args)
    if node.kind == "call" and node.name in MACROS and len(parts) > 1 and parts[1] is not None:
        inner = bound | {parts.pop(1).name}  # type: ignore[union-attr]  # checked above
    for number, part in enumerate(parts):
        if part is not None:
            _collect(part, bound if number == 0 else inner, found)
