"""The four families of trust (the seed's measures): each number, its quality, and how it was the period before."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

from django.db.models import Q

from accounts.display.values import duration_text
from accounts.models import Workspace
from actions.models import Action, Rollback
from actions.states import SUCCESS
from approvals.models import ApprovalRequest
from console.trust.spans import Span
from policies.models import DecisionRecord, PolicyVersion
from traces.models import Entry, Trace, TraceOpening

BREAKS_WITHIN = timedelta(days=7)
_OPEN = (Trace.Outcome.RUNNING, Trace.Outcome.WAITING)
_NOT_CLEAN = (Action.RollbackState.PARTLY, Action.RollbackState.CONFLICT, Action.RollbackState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Family:
    """One family as people read it. `was` compares with the period before, in words; `days` is one number a day."""

    key: str
    name: str
    number: str
    was: str
    quality: str
    definition: str
    days: list[int]


@dataclass(frozen=True, slots=True)
class _Share:
    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None

    @property
    def text(self) -> str:
        return f"{self.value:.1f} %" if self.value is not None else "none yet"


def families(workspace: Workspace, span: Span) -> list[Family]:
    """All four, in the order of the seed."""
    return [make(workspace, span) for make in _FAMILIES]


def finished(workspace: Workspace, span: Span) -> "list[tuple[str, datetime]]":
    """Traces that were opened in the span and have ended: id and when they began."""
    work = Trace.objects.filter(workspace=workspace, kind=Trace.Kind.WORK, **span.on("created_at"))
    return list(work.exclude(outcome__in=_OPEN).order_by().values_list("pk", "created_at"))


def _viewed(workspace: Workspace, span: Span) -> Family:
    now, seen = _viewed_share(workspace, span)
    then, _ = _viewed_share(workspace, span.before)
    answers = answered(workspace, span)
    yes = _Share(answers["yes"], answers["yes"] + answers["no"])
    quality = (
        f"{yes.text} of {yes.whole} answers said it answered their question"
        if yes.whole
        else "No reader has answered yet"
    )
    return Family(
        "viewed", "Traces viewed", now.text, _points(now, then), quality,
        "Finished traces whose page a person opened ÷ finished traces. Beside it: of those who answered “Did this answer "
        "your question?”, the share that said yes.", span.by_day(seen),
    )  # fmt: skip


def _viewed_share(workspace: Workspace, span: Span) -> tuple[_Share, list[datetime]]:
    ended = dict(finished(workspace, span))
    opened = TraceOpening.objects.filter(trace__workspace=workspace, **span.on("trace__created_at"))
    seen = set(opened.order_by().values_list("trace_id", flat=True).distinct()) & set(ended)
    return _Share(len(seen), len(ended)), [ended[one] for one in seen]


def answered(workspace: Workspace, span: Span) -> Counter[str]:
    """How often readers said yes and no."""
    entries = Entry.objects.filter(type="trace.answered", trace__workspace=workspace, **span.within)
    return Counter(str(entry.record["body"]["answer"]) for entry in entries)


def _escalated(workspace: Workspace, span: Span) -> Family:
    now, times = _escalated_share(workspace, span)
    then, _ = _escalated_share(workspace, span.before)
    waits = list(
        DecisionRecord.objects.filter(workspace=workspace, waited_s__isnull=False, **span.within)
        .order_by().values_list("waited_s", flat=True)
    )  # fmt: skip
    return Family(
        "escalations", "Escalations", now.text, _points(now, then), _waits(waits) + _unclear(workspace, span, now.part),
        "Actions that waited for a person ÷ all actions of agents. Beside it: how long people took, the median and the "
        "slowest tenth, and how many they sent back as unclear.", span.by_day(times),
    )  # fmt: skip


def _escalated_share(workspace: Workspace, span: Span) -> tuple[_Share, list[datetime]]:
    done = Action.objects.filter(workspace=workspace, acting_user=None, **span.on("created_at"))
    asked = ApprovalRequest.objects.filter(workspace=workspace, agent__isnull=False, **span.on("created_at"))
    times = list(asked.order_by().values_list("created_at", flat=True))
    return _Share(len(times), done.count()), times


def _waits(waits: "list[int | None]") -> str:
    found = [wait for wait in waits if wait is not None]
    if not found:
        return "Nobody has decided yet"
    slow = quantiles(found, n=10)[-1] if len(found) > 1 else found[0]
    return f"Median decision in {duration_text(median(found))}, 90 % within {duration_text(slow)}"


def _unclear(workspace: Workspace, span: Span, asked: int) -> str:
    back = Entry.objects.filter(type="approval.changes_asked", trace__workspace=workspace, **span.within).count()
    return f". {back} of {asked} sent back as unclear" if back else ""


def _rolled_back(workspace: Workspace, span: Span) -> Family:
    now = list(Rollback.objects.filter(trace__workspace=workspace, **span.on("created_at")).order_by())
    then = Rollback.objects.filter(trace__workspace=workspace, **span.before.on("created_at")).count()
    changed = Action.objects.filter(workspace=workspace, state__in=SUCCESS, acting_user=None, **span.on("created_at"))
    changes = changed.exclude(changes=[]).count()
    ended = [one for one in now if one.state != Rollback.State.RUNNING]
    clean = sum(_is_clean(one) for one in ended)
    share = f"{_Share(len(now), changes).text} of {changes} changes. " if changes else ""
    quality = f"{clean} of {len(ended)} restored every field" if ended else "None has ended yet"
    return Family(
        "rollbacks", "Rollbacks", str(len(now)), _more(len(now), then), share + quality,
        "Rollbacks that people asked for, and their share of the actions that changed something. Clean: every field it was "
        "asked to restore was restored and read back equal.", span.by_day(one.created_at for one in now),
    )  # fmt: skip


def _is_clean(rollback: Rollback) -> bool:
    ids = [item["action"] for item in rollback.todo]
    broken = Action.objects.filter(pk__in=ids).filter(Q(rollback_state__in=_NOT_CLEAN) | Q(rollback_state=""))
    return rollback.state == Rollback.State.DONE and not broken.exists()


def _tightened(workspace: Workspace, span: Span) -> Family:
    now = tightenings(workspace, span)
    then = len(tightenings(workspace, span.before))
    broke = sum(bool(broken_by(version)) for version in now)
    quality = f"{broke} broke work that ran before" if broke else "None broke work that ran before"
    return Family(
        "tightenings", "Policy tightenings", str(len(now)), _more(len(now), then), quality if now else "None to judge",
        "Published versions that only tighten. One broke something when, within 7 days, it denied an agent a tool that had "
        "worked for it in the 7 days before.", span.by_day(version.published_at for version in now),
    )  # fmt: skip


def tightenings(workspace: Workspace, span: Span) -> list[PolicyVersion]:
    """Versions of the span that only tighten."""
    found = PolicyVersion.objects.filter(policy__workspace=workspace, verdict="tightens", **span.on("published_at"))
    return list(found.select_related("policy").order_by("-published_at"))


def broken_by(version: PolicyVersion) -> list[tuple[str, str]]:
    """`(agent id, tool)` that worked in the 7 days before the version and were denied under it in the 7 days after."""
    at, policy = version.published_at, version.policy
    kept = DecisionRecord.objects.filter(workspace_id=policy.workspace_id, policy=policy.slug).order_by()
    worked = kept.filter(at__gte=at - BREAKS_WITHIN, at__lt=at, outcome__in=("succeeded", "rolled_back"))
    denied = kept.filter(at__gte=at, at__lt=at + BREAKS_WITHIN, version=version.number, effect="deny")
    pairs = ("agent_id", "tool")
    return sorted(set(worked.values_list(*pairs)) & set(denied.values_list(*pairs)))


_FAMILIES: tuple[Callable[[Workspace, Span], Family], ...] = (_viewed, _escalated, _rolled_back, _tightened)


def _points(now: _Share, then: _Share) -> str:
    """More is not better here, so it is only said, never coloured."""
    if now.value is None or then.value is None:
        return ""
    return _delta(round(now.value - then.value, 1), " pts")


def _more(now: int, then: int) -> str:
    return "as before" if now == then else f"{abs(now - then)} {'more' if now > then else 'fewer'}"


def _delta(by: float, unit: str) -> str:
    return f"{'up' if by > 0 else 'down'} {abs(by):g}{unit}" if by else "as before"
