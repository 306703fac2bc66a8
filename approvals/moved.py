"""What people's edits changed of a payload since somebody looked at it, told from the ledger's own entries (P4)."""

import json
from collections.abc import Mapping
from typing import Any

from approvals.models import ApprovalRequest
from traces.models import Entry, WithheldValue

Edits = Mapping[str, list[Any]]


def moved_since(request: ApprovalRequest, seen: str) -> list[dict[str, Any]]:
    """Change rows between the payload whose digest was seen and the one that would run now; none where nothing is known of it."""
    made = _edits_by_digest(request)
    if seen == request.digest or seen not in made or request.digest not in made:
        return []
    then, now = made[seen], made[request.digest]
    rows = [(name, _value(name, then, now), _value(name, now, then)) for name in sorted({*then, *now})]
    return [{"field": name, "kind": "changed", "old": old, "new": new} for name, old, new in rows if old != new]


def _value(name: str, edits: Edits, other: Edits) -> Any:
    """A field's value with these edits: the person's, else the agent's, which the other edits have beside their own."""
    return edits[name][1] if name in edits else other[name][0]


def _edits_by_digest(request: ApprovalRequest) -> dict[str, Edits]:
    """Each payload this request ever had, by the edits that made it of the agent's."""
    entries = Entry.objects.filter(trace_id=request.trace_id, canonical__contains=f'"action":"{request.action_id}"')
    decided = list(entries.filter(canonical__contains='"decision":').order_by("seq"))
    kept = WithheldValue.objects.filter(entry__in=decided).values_list("commitment", "value")
    known = {commitment: json.loads(value) for commitment, value in kept}
    bodies = [json.loads(entry.canonical)["body"] for entry in decided]
    return {body["digest"]: _plain(body.get("edits", {}), known) for body in bodies if "digest" in body}


def _plain(value: Any, known: Mapping[str, Any]) -> Any:
    """With the values kept beside the ledger, which whoever may decide sees on the same page; erased ones stay withheld."""
    if isinstance(value, Mapping):
        if "$withheld" in value:
            return known.get(value["commitment"], value)
        return {name: _plain(item, known) for name, item in value.items()}
    return [_plain(item, known) for item in value] if isinstance(value, list) else value
