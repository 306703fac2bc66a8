"""Actions by outcome, one bar a day, and the one day that stands out, in a sentence."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from accounts.display.marks import Stack
from accounts.models import Workspace
from console.trust.spans import Span
from policies.models import DecisionRecord

# Key of a bar's part, and its words. A part that asked nobody is grey: it is the ordinary.
PARTS = {"auto": "Ran automatically", "allowed": "Put before a person", "denied": "Denied"}
LEAST = 3
_ENDED = DecisionRecord.Outcome
# What a scorecard counts of the decisions about an agent: key, words, and which decisions they are.
COUNTED: dict[str, tuple[str, Q]] = {
    "all": ("Actions", Q()),
    "asked": ("Escalated", Q(effect__in=("approval", "draft"))),
    "denied": ("Denied", Q(effect="deny")),
    "rejected": ("Rejected", Q(outcome=_ENDED.REJECTED)),
    "failed": ("Failed", Q(outcome=_ENDED.FAILED)),
    "unknown": ("Unknown", Q(outcome=_ENDED.UNKNOWN)),
    "rolled_back": ("Rolled back", Q(outcome=_ENDED.ROLLED_BACK)),
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """The day with by far the most denials, and the rule most of them came from."""

    day: date
    count: int
    rule: str
    of_rule: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """`rows` are `(day, {part: count})`; `stacks` the same for drawing."""

    rows: list[tuple[date, dict[str, int]]]
    totals: dict[str, int]
    anomaly: Anomaly | None

    @property
    def stacks(self) -> list[Stack]:
        return [Stack(f"{day:%-d %b}", [(key, counts[key]) for key in PARTS]) for day, counts in self.rows]

    @property
    def legend(self) -> list[tuple[str, str, int]]:
        """Key, words and total of each part."""
        return [(key, words, self.totals[key]) for key, words in PARTS.items()]

    @property
    def total(self) -> int:
        return sum(self.totals.values())


def outcomes(workspace: Workspace, span: Span) -> Outcomes:
    """Every decision of the span, counted by the database."""
    found = DecisionRecord.objects.filter(workspace=workspace, **span.within).order_by()
    counted: Any = found.annotate(day=TruncDate("at", tzinfo=UTC)).values("day").annotate(
        auto=Count("pk", filter=Q(effect="allow")), denied=Count("pk", filter=Q(effect="deny")),
        allowed=Count("pk", filter=Q(effect__in=("approval", "draft"))),
    )  # fmt: skip
    by_day = {row["day"]: row for row in counted}
    rows = [(day, {key: by_day.get(day, {}).get(key, 0) for key in PARTS}) for day in span.days]
    totals = {key: sum(counts[key] for _, counts in rows) for key in PARTS}
    return Outcomes(rows, totals, _anomaly(workspace, span, rows))


def _anomaly(workspace: Workspace, span: Span, rows: list[tuple[date, dict[str, int]]]) -> Anomaly | None:
    """A day with at least 3 denials and more than twice the mean of the others; None where nothing stands out."""
    day, most = max(((day, counts["denied"]) for day, counts in rows), key=lambda one: one[1])
    others = [counts["denied"] for at, counts in rows if at != day]
    if most < LEAST or most <= 2 * sum(others) / max(len(others), 1):
        return None
    denied = DecisionRecord.objects.filter(workspace=workspace, effect="deny", **span.of(day).within)
    rules = Counter(denied.values_list("rule", flat=True))
    rule, count = rules.most_common(1)[0]
    return Anomaly(day, most, rule, count)


def by_agent(workspace: Workspace, span: Span) -> dict[str, list[tuple[str, str, int]]]:
    """Agent id -> how its actions were decided and ended, for the scorecards: key, words and number of each column."""
    found = DecisionRecord.objects.filter(workspace=workspace, **span.within).order_by()
    numbers = {f"n_{key}": Count("pk", filter=which) for key, (_, which) in COUNTED.items()}
    rows: Any = found.values("agent_id").annotate(**numbers)
    none = [(key, words, 0) for key, (words, _) in COUNTED.items()]
    counted = {row["agent_id"]: [(key, words, row[f"n_{key}"]) for key, words, _ in none] for row in rows}
    return defaultdict(lambda: none, counted)
