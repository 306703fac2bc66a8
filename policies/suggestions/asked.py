"""What was asked for, read once for every suggestion: fields that were named in writes, and amounts that people approved."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from policies.engine.document import Document
from policies.engine.parts import FieldRule
from policies.engine.paths import covering, leaves
from policies.engine.types import Money
from policies.history import Outcome
from policies.usage_stats import MOST, latest

Key = tuple[str, str]


@dataclass(slots=True)
class Asked:
    """`writes` and `named` are by role and resource type, `approved` by role and tool: when, and how much money moved."""

    writes: Counter[Key] = field(default_factory=Counter)
    named: dict[Key, set[str]] = field(default_factory=dict)
    approved: dict[Key, list[tuple[datetime, Money | None]]] = field(default_factory=dict)


def asked_of(workspace_id: str, slug: str, document: Document, now: datetime) -> Asked:
    """The latest `MOST` calls that did not only read."""
    found = Asked()
    rules = {(role.name, kind): rule for role in document.roles.values() for kind, rule in role.fields.items()}
    rows = latest(workspace_id, slug, now=now).exclude(effect_class="read")
    for role, tool, at, effect, outcome, text in rows.values_list(
        "role", "tool", "at", "effect", "outcome", "request_text"
    )[:MOST]:
        request = orjson.loads(text)
        _count_fields(found, (role, request["tool"][1]), rules, request["fields"])
        if effect == "approval" and outcome == Outcome.SUCCEEDED:
            money = request["money"]
            found.approved.setdefault((role, tool), []).append((at, Money(*money) if money else None))
    return found


def _count_fields(found: Asked, key: Key, rules: Mapping[Key, FieldRule], fields: Mapping[str, Any]) -> None:
    rule = rules.get(key)
    if rule is None or not fields:
        return
    found.writes[key] += 1
    named = found.named.setdefault(key, set())
    if not fields.keys() <= named:  # What is named already as a whole names nothing new.
        named.update(filter(None, (covering(path, rule.write) for path in leaves(fields))))
