"""How rules met reality: what was written, which rules spoke, what limits counted, which records a scope would cover.

Reads only. What the database can group is counted over the whole span; what has to be decoded one by one looks at the latest
`MOST` decisions of its span at most, so that a busy workspace's page stays quick, and says so.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts.clock import database_now
from policies.engine.expressions import Context, EvaluationFailed, Expression, compile_expression
from policies.engine.limits import amount
from policies.engine.parts import Limit
from policies.engine.paths import covering
from policies.engine.plan import values
from policies.engine.recorded import decoded
from policies.engine.types import Request
from policies.history import Outcome
from policies.models import DecisionRecord, LimitHold

DAYS = 30
# Rules speak seldom, so one looks further back for the last time they did.
FIRED_DAYS = 90
MOST = 20_000
SAMPLES = 5
_WRITTEN = (Outcome.SUCCEEDED, Outcome.ROLLED_BACK)
_RAN = (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.UNKNOWN, Outcome.ROLLED_BACK)
_CAME_TO_NOTHING = (Outcome.REJECTED, Outcome.FAILED, Outcome.NOT_RUN)


@dataclass(frozen=True, slots=True)
class ToolUsage:
    """What became of one role's calls of one tool. `approved` are those people let run, whatever came of them."""

    count: int
    allowed: int
    drafts: int
    approvals: int
    denied: int
    approved: int
    rejected: int
    succeeded: int
    failed: int
    unknown: int
    rolled_back: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A record that was a target lately, and whether a scope would cover it."""

    id: str
    name: str
    in_scope: bool


@dataclass(frozen=True, slots=True)
class ScopeSample:
    """How many of the records seen lately a scope would cover."""

    in_scope: int
    seen: int
    rows: tuple[SampleRow, ...]
    bound: str = ""


@dataclass(frozen=True, slots=True)
class LimitHistory:
    """What a limit counted: one number a day (UTC), oldest first, today last, in the limit's unit."""

    days: tuple[int, ...]
    bound: str = ""


def _bound(rows: QuerySet[DecisionRecord], looked: int) -> str:
    """Says of which calls an answer is, where not all were looked at; empty where all were."""
    total = rows.count() if looked >= MOST else looked
    return f"Counted over the latest {looked:,} of {total:,} calls." if total > looked else ""


def latest(workspace_id: str, slug: str, *, days: int = DAYS, now: datetime | None = None) -> QuerySet[DecisionRecord]:
    """Decisions under one policy in the days up to `now`, newest first; not yet cut at `MOST`."""
    until = now or database_now()
    span = {"at__gt": until - timedelta(days=days), "at__lte": until}
    return DecisionRecord.objects.filter(workspace_id=workspace_id, policy=slug, **span).order_by("-at", "-id")


def field_usages(
    workspace_id: str, slug: str, role: str, *, tools: Collection[str] | None = None, days: int = DAYS
) -> dict[str, dict[str, int]]:
    """Tool -> field path -> how many of the role's actions wrote it in the last days; with all tools, or those named.

    A path counts for itself and for every path above it. Calls of one shape are grouped by the database: shapes are few.
    """
    rows = latest(workspace_id, slug, days=days).filter(role=role, outcome__in=_WRITTEN).exclude(effect_class="read")
    if tools is not None:
        rows = rows.filter(tool__in=tools)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    shapes = rows.order_by().values_list("tool", "named", "refused").annotate(count=Count("pk"))
    for tool, named, refused, count in shapes:
        for path in with_parents(named, frozenset(refused)):
            found[tool][path] += count
    return {tool: dict(counts) for tool, counts in found.items()}


def with_parents(named: Collection[str], refused: frozenset[str] = frozenset()) -> set[str]:
    """The paths of written values with the paths above them; none that is refused, or under one."""
    written = [path for path in named if covering(path, refused) is None]
    above = {path[:at] for path in written for at, char in enumerate(path) if char == "." and "[" not in path[:at]}
    return {path for path in above if covering(path, refused) is None} | set(written)


def last_fired(workspace_id: str, slug: str) -> dict[str, tuple[datetime, int]]:
    """Rule path -> when it last did not pass, and how often, in the last `FIRED_DAYS`. What spoke together is grouped."""
    rows = latest(workspace_id, slug, days=FIRED_DAYS).exclude(spoke=[])
    found: dict[str, tuple[datetime, int]] = {}
    for spoke, last, count in rows.order_by().values_list("spoke").annotate(last=Max("at"), count=Count("pk")):
        for rule in {rule for rule, _ in spoke}:
            before, times = found.get(rule, (last, 0))
            found[rule] = max(before, last), times + count
    return found


def limit_history(workspace_id: str, slug: str, limit: Limit, days: int = DAYS) -> LimitHistory:
    """A windowed limit: what it held each day, or would have held where it is new. A limit per action: the largest action."""
    today = database_now().astimezone(UTC).date()
    totals, bound = ({}, "") if limit.per == "action" else (_held(workspace_id, slug, limit, days), "")
    if not totals:
        totals, bound = _by_day(workspace_id, slug, limit, days)
    return LimitHistory(tuple(totals.get(today - timedelta(days=back), 0) for back in range(days - 1, -1, -1)), bound)


def _held(workspace_id: str, slug: str, limit: Limit, days: int) -> dict[Any, int]:
    since = database_now() - timedelta(days=days)
    held = LimitHold.objects.filter(workspace_id=workspace_id, limit=limit.id, at__gt=since)
    held = held.exclude(state=LimitHold.State.RELEASED)
    # A hold older than its policy column is known by its decision.
    decided = DecisionRecord.objects.filter(action_id=OuterRef("action_id"), policy=slug)
    held = held.filter(Q(policy=slug) | Q(Exists(decided), policy=""))
    rows = held.annotate(day=TruncDate("at", tzinfo=UTC)).values_list("day").annotate(total=Sum("amount"))
    return dict(rows.order_by())


def _by_day(workspace_id: str, slug: str, limit: Limit, days: int) -> tuple[dict[Any, int], str]:
    """From the decisions themselves: what covered calls added, or would have added, and was not given back; and the bound."""
    join = max if limit.per == "action" else int.__add__
    rows = latest(workspace_id, slug, days=days).exclude(effect="deny").exclude(outcome__in=_CAME_TO_NOTHING)
    for column, names in (("role", limit.when.roles), ("tool", limit.when.tools)):
        if names:
            rows = rows.filter(**{f"{column}__in": sorted(names)})
    totals: dict[Any, int] = {}
    looked = 0
    for at, text in rows.values_list("at", "request_text")[:MOST]:
        looked += 1
        request = decoded(text, {})
        added = amount(limit, request) if limit.when.covers(request) else None
        if added is not None:
            day = at.astimezone(UTC).date()
            totals[day] = join(totals.get(day, 0), added)
    return totals, _bound(rows, looked)


def scope_sample(workspace_id: str, slug: str, role: str, resource_type: str, expression: str) -> ScopeSample:
    """What a scope would cover of the records a role asked for lately, each as it stood the last time.

    Where the role asked for none, the records any role asked for. Raises BadExpression when it does not compile.
    """
    scope = compile_expression(expression)
    rows = latest(workspace_id, slug).filter(request_text__contains=f'"{resource_type}"')
    found = _judged(scope, resource_type, rows.filter(role=role))
    return found if found.seen else _judged(scope, resource_type, rows)


def _judged(scope: Expression, resource_type: str, rows: QuerySet[DecisionRecord]) -> ScopeSample:
    """Every different record among the targets, newest first."""
    seen: dict[str, SampleRow] = {}
    looked = 0
    for (text,) in rows.values_list("request_text")[:MOST]:
        looked += 1
        request = decoded(text, {})
        record = request.record or {}
        key = str(record.get("id", "")) if request.tool.resource_type == resource_type else ""
        if key and key not in seen:
            seen[key] = SampleRow(key, _name(record, key), _inside(scope, request))
    judged = list(seen.values())
    return ScopeSample(sum(row.in_scope for row in judged), len(judged), tuple(_both(judged)), _bound(rows, looked))


def _both(rows: list[SampleRow]) -> list[SampleRow]:
    """A sample that shows both sides where there are both."""
    inside, outside = [row for row in rows if row.in_scope], [row for row in rows if not row.in_scope]
    few = min(len(outside), 2)
    chosen = inside[: SAMPLES - few]
    return chosen + outside[: SAMPLES - len(chosen)]


def _inside(scope: Expression, request: Request) -> bool:
    """As a decision finds it: what cannot be evaluated is out of scope."""
    try:
        return scope.holds(Context(values(request), scope.reads))
    except EvaluationFailed:
        return False


def _name(record: Mapping[str, Any], key: str) -> str:
    found = next((record[name] for name in ("name", "title", "subject") if isinstance(record.get(name), str)), key)
    return str(found)


def role_tool_usage(
    workspace_id: str, slug: str, days: int = DAYS, *, now: datetime | None = None
) -> dict[tuple[str, str], ToolUsage]:
    """`(role, tool)` -> what became of its calls in the last days. Counted by the database, so not cut at `MOST`."""
    asked = Q(effect__in=("approval", "draft"))
    counts: Mapping[str, Q | None] = {
        "count": None, "allowed": Q(effect="allow"), "drafts": Q(effect="draft"), "approvals": Q(effect="approval"),
        "denied": Q(effect="deny"), "approved": asked & Q(outcome__in=_RAN), "rejected": Q(outcome=Outcome.REJECTED),
        "succeeded": Q(outcome=Outcome.SUCCEEDED), "failed": Q(outcome=Outcome.FAILED),
        "unknown": Q(outcome=Outcome.UNKNOWN), "rolled_back": Q(outcome=Outcome.ROLLED_BACK),
    }  # fmt: skip
    columns: Any = {name: Count("pk", filter=condition) for name, condition in counts.items()}
    rows: Any = latest(workspace_id, slug, days=days, now=now).order_by().values("role", "tool")
    rows = rows.annotate(**columns, last_at=Max("at"))
    return {(row.pop("role"), row.pop("tool")): ToolUsage(**row) for row in rows}
