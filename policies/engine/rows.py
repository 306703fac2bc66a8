"""What a role may read of a record: fields both ways, masks, and row scopes on every returned row. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine import paths
from policies.engine.expressions import Context, EvaluationFailed
from policies.engine.parts import Document, Role

# Readable, listed or not, where it is a plain value; what is in a record in its place has to be listed.
ALWAYS = frozenset({"id"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as a role may read it. `withheld` and `masked` are field paths; `out_of_scope` says the row was withheld."""

    value: dict[str, Any]
    withheld: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    out_of_scope: bool = False
    # Of a list of rows: how many were out of scope.
    rows_withheld: int = 0


def visible(
    document: Document,
    role_name: str,
    resource_type: str,
    record: Mapping[str, Any],
    *,
    principals: Mapping[str, Any] | None = None,
) -> Shown:
    """A record as this role may read it. Unlisted fields are withheld, masked ones say only their kind.

    `principals` are the other names a scope may read (`requester`, `agent`, …); without them a scope that needs them
    withholds the row. A row out of scope, or whose scope fails, is withheld whole.
    """
    role = document.roles.get(role_name)
    if role is None or not _in_scope(role, resource_type, record, principals or {}):
        return Shown({}, tuple(sorted(record)), out_of_scope=role is not None)
    return listed(role, resource_type, record)


def listed(role: Role, resource_type: str, record: Mapping[str, Any]) -> Shown:
    """The same of a record whose scope was asked already."""
    rule = role.fields.get(resource_type)
    return _fields(record, rule.read if rule else frozenset(), rule.mask if rule else {})


def visible_rows(
    document: Document,
    role_name: str,
    resource_type: str,
    body: Mapping[str, Any],
    *,
    at: str,
    principals: Mapping[str, Any] | None = None,
) -> Shown:
    """The list `at` of an answer with only the rows in scope, each as this role may read it; nothing else of the answer.

    An answer without such a list of records shows nothing.
    """
    rows = body.get(at)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return Shown({}, tuple(sorted(body)))
    shown = [visible(document, role_name, resource_type, row, principals=principals) for row in rows]
    kept = [row for row in shown if not row.out_of_scope and (row.value or not row.withheld)]
    return Shown(
        {at: [row.value for row in kept]},
        tuple(
            sorted({f"{at}.{name}" for row in kept for name in row.withheld} | {name for name in body if name != at})
        ),
        tuple(sorted({f"{at}.{name}" for row in kept for name in row.masked})),
        rows_withheld=len(shown) - len(kept),
    )


def _in_scope(role: Role, resource_type: str, record: Mapping[str, Any], principals: Mapping[str, Any]) -> bool:
    scope = role.scopes.get(resource_type)
    if scope is None:
        return True
    values = {**dict.fromkeys(scope.reads), **principals, "record": record}
    try:
        return scope.holds(Context(values, scope.reads))
    except EvaluationFailed:
        return False  # Cannot tell, so it is not shown.


def _fields(record: Mapping[str, Any], allowed: frozenset[str], mask: Mapping[str, str]) -> Shown:
    """INVARIANT: what may hold a masked part in a form that nobody can take apart is withheld: a text where the rule expects a
    record. Held by tests/policies/cases/reads.yaml.
    """
    withheld: set[str] = set()
    masked: set[str] = set()

    def change(path: str, leaf: Any) -> Any:
        if (rule := paths.covering(path, mask)) is not None:
            masked.add(path)
            return f"[{mask[rule]}]"
        readable = path in ALWAYS or paths.covering(path, allowed) is not None
        if readable and (leaf in (None, {}, []) or not paths.above(path, mask)):
            return leaf
        withheld.add(path)
        return paths.OUT

    value = paths.walk(record, change)
    return Shown(value, tuple(sorted(withheld)), tuple(sorted(masked)))
