"""Whether a record read back holds what was sent. Pure."""

from collections.abc import Mapping
from typing import Any

from actions.connectors.base import FieldResult, Snapshot
from actions.connectors.operation import Operation, normalised
from traces.canonical import canonical_bytes


def compare(operation: Operation, wanted: Mapping[str, Any], observed: Snapshot) -> tuple[FieldResult, ...]:
    """One result a wanted field, in the order sent. A field the record does not show is never matched."""
    return tuple(_field(operation, name, value, observed.fields) for name, value in wanted.items())


def _field(operation: Operation, name: str, wanted: Any, fields: Mapping[str, Any]) -> FieldResult:
    observed = fields.get(name)
    exact = name in fields and _same(observed, wanted)
    own_form = name in fields and not exact and _same(observed, normalised(operation, name, wanted))
    return FieldResult(name, wanted, observed, matched=exact or own_form, normalised=own_form)


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON: `1` is `1.0`, but `true` is not `1` (Python says otherwise, R-05)."""
    return canonical_bytes(left) == canonical_bytes(right)
