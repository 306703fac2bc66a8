"""What was asked for, read once for every suggestion: fields that were named in writes, and amounts that people approved."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from django.db.models import Count, QuerySet

from policies.engine.document import Document
from policies.engine.paths import covering
from policies.engine.types import Money, ToolFacts
from policies.history import Outcome
from policies.models import DecisionRecord
from policies.usage_stats import MOST, latest

Key = tuple[str, str]


@dataclass(slots=True)
class Asked:
    """`writes` and `named` are by role and resource type, `approved` by role and tool: when, and how much money moved."""

    writes: Counter[Key] = field(default_factory=Counter)
    named: dict[Key, set[str]] = field(default_factory=dict)
    approved: dict[Key, list[tuple[datetime, Money | None]]] = field(default_factory=dict)


def asked_of(workspace_id: str, slug: str, document: Document, tools: Mapping[str, ToolFacts], now: datetime) -> Asked:
    """All calls that did not only read; of those that people approved the latest `MOST`."""
    found = Asked()
    rules = {(role.name, kind): rule for role in document.roles.values() for kind, rule in role.fields.items()}
    rows = latest(workspace_id, slug, now=now).exclude(effect_class="read")
    for role, tool, named, count in rows.order_by().values_list("role", "tool", "named").annotate(count=Count("pk")):
        key = role, tools[tool].resource_type if tool in tools else ""
        if key in rules and named:
            found.writes[key] += count
            found.named.setdefault(key, set()).update(
                filter(None, (covering(path, rules[key].write) for path in named))
            )
    _approved(found, rows.filter(effect="approval", outcome=Outcome.SUCCEEDED))
    return found


def _approved(found: Asked, rows: QuerySet[DecisionRecord]) -> None:
    for role, tool, at, text in rows.values_list("role", "tool", "at", "request_text")[:MOST]:
        money = orjson.loads(text)["money"]
        found.approved.setdefault((role, tool), []).append((at, Money(*money) if money else None))
