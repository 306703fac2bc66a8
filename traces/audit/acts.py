"""One ledger entry as a line of the audit log: who, did, to what, old and new, from where. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from traces.canonical import canonical_text
from traces.entry_types import label
from traces.models import Entry, Trace

# Entries of traces that are a person's act. Everything of the governance chain is one, or Remit's own in its place.
IN_TRACES = frozenset(
    {
        "action.edited", "action.cancelled", "action.replanned", "action.attested", "action.attestation_declined",
        "action.attestation_confirmed", "action.rechecked", "approval.verdict_recorded", "approval.break_glass",
        "approval.glass_reviewed", "approval.glass_confirmed", "approval.changes_asked", "approval.snoozed", "approval.woken",
        "bulk.continued", "plan.resumed", "rollback.requested",
        "trace.answered", "trace.link_revoked", "trace.redacted", "trace.revealed",
    }
)  # fmt: skip
# What an entry is about, the most telling name first.
_NAMES = (
    "agent", "user", "person", "tool", "switch", "policy", "draft", "breaker", "channel", "connection", "group", "factor", "host",
    "origin_url", "link", "witness", "key", "action", "approval", "plan", "bulk", "trace", "of", "workspace",
)  # fmt: skip
_SAID_ELSEWHERE = frozenset({"origin", "was", "now", "name"})
LONGEST = 160


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was `old` and is `new`."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Act:
    """One line. `trace` is "" for what stands in the governance chain; `address` is "" where it is not known or dropped."""

    id: int
    seq: int
    at: datetime
    who: str
    kind: str
    did: str
    type: str
    target: str
    changes: tuple[Change, ...]
    facts: tuple[tuple[str, str], ...]
    request: str
    address: str
    trace: str
    hash: str


def act_of(entry: Entry, *, address: str) -> Act:
    """The line of an entry whose trace is loaded with it."""
    record = entry.record
    body: Mapping[str, Any] = record["body"]
    name, target = _target(body)
    own = entry.trace.kind == Trace.Kind.GOVERNANCE
    return Act(
        id=entry.pk,
        seq=entry.seq,
        at=entry.at,
        who=str(record["actor"]["name"]),
        kind=str(record["actor"]["kind"]),
        did=label(entry.type),
        type=entry.type,
        target=target,
        changes=_changes(body),
        facts=tuple(_fact(key, value) for key, value in body.items() if key not in _SAID_ELSEWHERE | {name} and value),
        request=str((body.get("origin") or {}).get("request", "")),
        address=address,
        trace="" if own else entry.trace_id,
        hash=entry.hash,
    )


def _target(body: Mapping[str, Any]) -> tuple[str, str]:
    """The key of what it is about, and its name."""
    for key in _NAMES:
        value = body.get(key)
        if isinstance(value, Mapping):
            return key, str(value.get("name") or value.get("id", ""))
        if value:
            return key, str(body.get("name") or value)
    return "", str(body.get("name") or "")


def _changes(body: Mapping[str, Any]) -> tuple[Change, ...]:
    was, now = body.get("was"), body.get("now")
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        return tuple(
            Change(key, _text(was.get(key)), _text(now.get(key)))
            for key in sorted({*was, *now})
            if was.get(key) != now.get(key)
        )
    if was is None:
        return ()
    return (Change("name", _text(was), _text(now if now is not None else body.get("name"))),)


def _fact(key: str, value: Any) -> tuple[str, str]:
    return key.replace("_", " "), _text(value)


def _text(value: Any) -> str:
    """A value on one line; a withheld one by its kind."""
    if isinstance(value, Mapping):
        if "$withheld" in value:
            return f"[{value['$withheld']}]"
        return str(value["name"]) if "name" in value else _cut(canonical_text(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return _cut(", ".join(_text(item) for item in value))
    return _cut("" if value is None else str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
