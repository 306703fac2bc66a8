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


def by_agent(workspace: Workspace, span: Span) -> dict[str, dict[str, int]]:
    """Agent id -> how its actions were decided and ended, for the scorecards."""
    outcome = DecisionRecord.Outcome
    found = DecisionRecord.objects.filter(workspace=workspace, **span.within).order_by()
    rows: Any = found.values("agent_id").annotate(
        all=Count("pk"), denied=Count("pk", filter=Q(effect="deny")),
        asked=Count("pk", filter=Q(effect__in=("approval", "draft"))),
        rejected=Count("pk", filter=Q(outcome=outcome.REJECTED)), failed=Count("pk", filter=Q(outcome=outcome.FAILED)),
        unknown=Count("pk", filter=Q(outcome=outcome.UNKNOWN)),
        rolled_back=Count("pk", filter=Q(outcome=outcome.ROLLED_BACK)),
    )  # fmt: skip
    return defaultdict(dict, {row.pop("agent_id"): row for row in rows})
