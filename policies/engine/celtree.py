"""A CEL expression as a small tree, for checking its types and knowing what it reads. It is never evaluated from here.

The grammar is that of the CEL specification as `celpy` carries it; evaluation belongs to the `cel` library. Where the two
would read a text differently the evaluation fails for want of a value, and a failure denies.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from celpy.celparser import CELParseError, CELParser
from lark import Token, Tree

MAX_DEPTH = 40
MAX_NODES = 500
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
BINARY = {
    "conditionalor": "||", "conditionaland": "&&", "relation_lt": "<", "relation_le": "<=", "relation_gt": ">",
    "relation_ge": ">=", "relation_eq": "==", "relation_ne": "!=", "relation_in": "in", "addition_add": "+",
    "addition_sub": "-", "multiplication_mul": "*", "multiplication_div": "/", "multiplication_mod": "%",
}  # fmt: skip
_LITERALS = {
    "INT_LIT": "int", "UINT_LIT": "int", "FLOAT_LIT": "double", "STRING_LIT": "string", "MLSTRING_LIT": "string",
    "BYTES_LIT": "bytes", "BOOL_LIT": "bool", "NULL_LIT": "null",
}  # fmt: skip


class NotParsed(ValueError):
    """A text that is no CEL expression, or is too large to be one of policy."""


@dataclass(frozen=True, slots=True)
class Node:
    """`kind` is ident, literal, select, call, index, unary, binary, cond, list or map.

    `name` is the identifier, member, function, operator or literal type; `args` are the operands, a call's target first
    (None where it has none).
    """

    kind: str
    name: str
    args: tuple["Node | None", ...] = ()
    text: str = ""

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for part in self.args:
            if part is not None:
                yield from part.walk()


@lru_cache(maxsize=4096)
def parse(source: str) -> Node:
    """The tree of an expression. Raises NotParsed with a sentence."""
    try:
        tree = CELParser().parse(source)
    except CELParseError as error:
        where = f" at line {error.line}, column {error.column}" if error.line else ""
        raise NotParsed(f"This is not a CEL expression{where}.") from error
    node = _node(tree, 0)
    if sum(1 for _ in node.walk()) > MAX_NODES:
        raise NotParsed(f"This expression has more than {MAX_NODES} parts. Split it into several rules.")
    return node


def _node(tree: Any, depth: int) -> Node:
    while isinstance(tree, Tree) and len(tree.children) == 1 and tree.data in _THROUGH:
        tree = tree.children[0]
    if depth > MAX_DEPTH:
        raise NotParsed(f"This expression is nested deeper than {MAX_DEPTH} levels. Make it simpler.")
    build: Callable[[Any, int], Node] | None = _BUILDERS.get(tree.data)
    if build is None:
        raise NotParsed("This part of CEL is not allowed in a policy: message literals and leading dots.")
    return build(tree, depth + 1)


_THROUGH = frozenset(
    {"expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member",
     "primary", "paren_expr"}
)  # fmt: skip


def _several(tree: Tree[Token] | None, depth: int) -> tuple[Node, ...]:
    return tuple(_node(child, depth) for child in tree.children) if tree is not None else ()


def _pair(tree: Tree[Token], depth: int) -> Node:
    """`a || b`, or a relation, sum or product whose left side stands inside an operator node."""
    left, right = tree.children
    if tree.data in ("conditionalor", "conditionaland"):
        return Node("binary", BINARY[tree.data], (_node(left, depth), _node(right, depth)))
    return Node("binary", BINARY[left.data], (_node(left.children[0], depth), _node(right, depth)))  # type: ignore[union-attr]


def _unary(tree: Tree[Token], depth: int) -> Node:
    sign, operand = tree.children
    return Node("unary", "!" if sign.data == "unary_not" else "-", (_node(operand, depth),))  # type: ignore[union-attr]


def _cond(tree: Tree[Token], depth: int) -> Node:
    return Node("cond", "?:", _several(tree, depth))


def _select(tree: Tree[Token], depth: int) -> Node:
    base, name = tree.children
    return Node("select", str(name), (_node(base, depth),))


def _method(tree: Tree[Token], depth: int) -> Node:
    base, name, *rest = tree.children
    return Node("call", str(name), (_node(base, depth), *_several(rest[0] if rest else None, depth)))  # type: ignore[arg-type]


def _function(tree: Tree[Token], depth: int) -> Node:
    name, *rest = tree.children
    return Node("call", str(name), (None, *_several(rest[0] if rest else None, depth)))  # type: ignore[arg-type]


def _index(tree: Tree[Token], depth: int) -> Node:
    return Node("index", "[]", _several(tree, depth))


def _literal(tree: Tree[Token], depth: int) -> Node:
    token = tree.children[0]
    return Node("literal", _LITERALS[token.type], text=str(token))  # type: ignore[union-attr]


def _ident(tree: Tree[Token], depth: int) -> Node:
    return Node("ident", str(tree.children[0]))


def _list(tree: Tree[Token], depth: int) -> Node:
    return Node("list", "[]", _several(tree.children[0] if tree.children else None, depth))  # type: ignore[arg-type]


def _map(tree: Tree[Token], depth: int) -> Node:
    return Node("map", "{}", _several(tree.children[0] if tree.children else None, depth))  # type: ignore[arg-type]


_BUILDERS: dict[str, Any] = {
    "expr": _cond, "conditionalor": _pair, "conditionaland": _pair, "relation": _pair, "addition": _pair,
    "multiplication": _pair, "unary": _unary, "member_dot": _select, "member_dot_arg": _method, "ident_arg": _function,
    "member_index": _index, "literal": _literal, "ident": _ident, "list_lit": _list, "map_lit": _map,
}  # fmt: skip
