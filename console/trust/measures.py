"""The four families of trust (the seed's measures): each number, its quality, and how it was the period before."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median, quantiles

from django.db.models import Q, QuerySet

from accounts.display.values import duration_text
from actions.models import Action, Rollback
from actions.states import SUCCESS
from approvals.models import ApprovalRequest
from console.trust.spans import Span
from console.trust.whose import Whose
from policies.models import DecisionRecord, PolicyVersion
from traces.models import Entry, Trace, TraceOpening

BREAKS_WITHIN = timedelta(days=7)
# What is in doubt has not ended: nobody knows yet what there is to read.
_OPEN = (Trace.Outcome.RUNNING, Trace.Outcome.WAITING, Trace.Outcome.UNKNOWN)
_NONE_ENDED = {True: "None has ended yet", False: "None to judge"}
_NOT_CLEAN = (Action.RollbackState.PARTLY, Action.RollbackState.CONFLICT, Action.RollbackState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Family:
    """One family as people read it. `was` compares with the period before, in words; `by_day` is one number a day."""

    key: str
    name: str
    number: str
    was: str
    quality: str
    definition: str
    by_day: list[tuple[date, int]]
    # The rows behind the quality, where they are not those of the number.
    behind: str = ""

    @property
    def days(self) -> list[int]:
        return [count for _, count in self.by_day]


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


def families(whose: Whose, span: Span) -> list[Family]:
    """All four, in the order of the seed."""
    return [make(whose, span) for make in _FAMILIES]


def finished(whose: Whose, span: Span) -> "list[tuple[str, datetime]]":
    """Traces that were opened in the span and have ended: id and when they began."""
    return list(_work(whose, span).exclude(outcome__in=_OPEN).order_by().values_list("pk", "created_at"))


def in_doubt(whose: Whose, span: Span) -> int:
    """How many traces of the span stand with an outcome that is not known."""
    return _work(whose, span).filter(outcome=Trace.Outcome.UNKNOWN).count()


def _work(whose: Whose, span: Span) -> QuerySet[Trace]:
    work = Trace.objects.filter(workspace=whose.workspace, kind=Trace.Kind.WORK, **span.on("created_at"))
    return work.filter(**whose.by("agent"))


def _viewed(whose: Whose, span: Span) -> Family:
    now, seen = _viewed_share(whose, span)
    then, _ = _viewed_share(whose, span.before)
    answers = answered(whose, span)
    yes = _Share(answers["yes"], answers["yes"] + answers["no"])
    quality = (
        f"{yes.text} of {yes.whole} answers said it answered their question"
        if yes.whole
        else "No reader has answered yet"
    )
    doubt = in_doubt(whose, span)
    quality += f"; {doubt} in doubt, counted apart" if doubt else ""
    return _family(
        "viewed", "Traces viewed", now.text, _points(now, then), quality,
        "Finished traces whose page a person opened ÷ finished traces; one in doubt has not finished. Beside it: of those who "
        "answered “Did this answer your question?”, the share whose last word was yes.", span, seen,
        behind="answers" if yes.whole else "",
    )  # fmt: skip


def _viewed_share(whose: Whose, span: Span) -> tuple[_Share, list[datetime]]:
    ended = dict(finished(whose, span))
    opened = TraceOpening.objects.filter(trace__workspace=whose.workspace, **span.on("trace__created_at"))
    seen = set(opened.order_by().values_list("trace_id", flat=True).distinct()) & set(ended)
    return _Share(len(seen), len(ended)), [ended[one] for one in seen]


def answered(whose: Whose, span: Span) -> Counter[str]:
    """How many readers said yes and how many no, each once a trace: whoever answers again has changed their mind."""
    return Counter(str(entry.record["body"]["answer"]) for entry in last_answers(whose, span))


def last_answers(whose: Whose, span: Span) -> list[Entry]:
    """The last word of each reader about each trace."""
    entries = Entry.objects.filter(type="trace.answered", trace__workspace=whose.workspace, **span.within)
    last: dict[tuple[str, str], Entry] = {}
    for entry in entries.filter(**whose.by("trace__agent")).order_by("at", "pk"):
        last[entry.trace_id, str(entry.record["actor"]["id"])] = entry
    return list(last.values())


def _escalated(whose: Whose, span: Span) -> Family:
    now, asked = _escalated_share(whose, span)
    then, _ = _escalated_share(whose, span.before)
    waits = [(one.settled_at - one.created_at).total_seconds() for one in asked if one.settled_at and _is_decided(one)]
    return _family(
        "escalations", "Escalations", now.text, _points(now, then), _waits(waits) + _unclear(asked),
        "Actions that waited for a person ÷ all actions of agents. Beside it: how long people took to decide, the median "
        "and the slowest tenth, and how many they sent back as unclear.", span, [one.created_at for one in asked],
    )  # fmt: skip


def _escalated_share(whose: Whose, span: Span) -> tuple[_Share, list[ApprovalRequest]]:
    done = Action.objects.filter(workspace=whose.workspace, acting_user=None, **span.on("created_at"))
    return _Share(len(asked := escalations(whose, span)), done.filter(**whose.by("agent")).count()), asked


def escalations(whose: Whose, span: Span) -> list[ApprovalRequest]:
    """What agents asked people in the span, with what a number or a row needs of it."""
    asked = ApprovalRequest.objects.filter(workspace=whose.workspace, agent__isnull=False, **span.on("created_at"))
    needed = ("title", "state", "created_at", "settled_at", "returned_at")
    return list(asked.filter(**whose.by("agent")).only(*needed).order_by("-created_at"))


def _is_decided(request: ApprovalRequest) -> bool:
    """What ran out, was withdrawn or went stale was decided by nobody, so it says nothing of how long people take."""
    return request.state in {ApprovalRequest.State.APPROVED, ApprovalRequest.State.REJECTED}


def _waits(found: list[float]) -> str:
    """Between the values that are there: an estimate beyond the longest wait would be longer than anybody waited."""
    if not found:
        return "Nobody has decided yet"
    slow = quantiles(found, n=10, method="inclusive")[-1] if len(found) > 1 else found[0]
    return f"Median decision in {duration_text(median(found))}, 90 % within {duration_text(slow)}"


def _unclear(asked: list[ApprovalRequest]) -> str:
    back = sum(one.returned_at is not None for one in asked)
    return f". {back} of {len(asked)} sent back as unclear" if back else ""


def _rolled_back(whose: Whose, span: Span) -> Family:
    now, then = rollbacks(whose, span), len(rollbacks(whose, span.before))
    changed = Action.objects.filter(
        workspace=whose.workspace, state__in=SUCCESS, acting_user=None, **span.on("created_at")
    )
    changes = changed.filter(**whose.by("agent")).exclude(changes=[]).count()
    ended = [one for one in now if one.state != Rollback.State.RUNNING]
    clean = sum(_is_clean(one) for one in ended)
    share = f"{_Share(len(now), changes).text} of {changes} changes. " if changes else ""
    quality = f"{clean} of {len(ended)} restored every field" if ended else _NONE_ENDED[bool(now)]
    return _family(
        "rollbacks", "Rollbacks", str(len(now)), _more(len(now), then), share + quality,
        "Rollbacks that people asked for, and their share of the actions that changed something. Clean: every field it was "
        "asked to restore was restored and read back equal.", span, [one.created_at for one in now],
    )  # fmt: skip


def rollbacks(whose: Whose, span: Span) -> list[Rollback]:
    """What people asked in the span to be undone."""
    found = Rollback.objects.filter(trace__workspace=whose.workspace, **span.on("created_at"))
    return list(found.filter(**whose.by("trace__agent")).order_by("-created_at"))


def _is_clean(rollback: Rollback) -> bool:
    ids = [item["action"] for item in rollback.todo]
    broken = Action.objects.filter(pk__in=ids).filter(Q(rollback_state__in=_NOT_CLEAN) | Q(rollback_state=""))
    return rollback.state == Rollback.State.DONE and not broken.exists()


def _tightened(whose: Whose, span: Span) -> Family:
    now = tightenings(whose, span)
    then = len(tightenings(whose, span.before))
    broke = sum(bool(broken_by(version, whose)) for version in now)
    quality = f"{broke} broke work that ran before" if broke else "None broke work that ran before"
    return _family(
        "tightenings", "Policy tightenings", str(len(now)), _more(len(now), then), quality if now else "None to judge",
        "Published versions that only tighten. One broke something when, within 7 days, it denied an agent a tool that had "
        "worked for it in the 7 days before.", span, [version.published_at for version in now],
    )  # fmt: skip


def tightenings(whose: Whose, span: Span) -> list[PolicyVersion]:
    """Versions of the span that only tighten."""
    found = PolicyVersion.objects.filter(
        policy__workspace=whose.workspace, verdict="tightens", **span.on("published_at"), **whose.policies
    )
    return list(found.select_related("policy").order_by("-published_at"))


def broken_by(version: PolicyVersion, whose: Whose) -> list[tuple[str, str]]:
    """`(agent id, tool)` that worked in the 7 days before the version and were denied under it in the 7 days after."""
    at, policy = version.published_at, version.policy
    kept = DecisionRecord.objects.filter(workspace_id=policy.workspace_id, policy=policy.slug).order_by()
    kept = kept.filter(agent_id=whose.agent.pk) if whose.agent else kept
    worked = kept.filter(at__gte=at - BREAKS_WITHIN, at__lt=at, outcome__in=("succeeded", "rolled_back"))
    denied = kept.filter(at__gte=at, at__lt=at + BREAKS_WITHIN, version=version.number, effect="deny")
    pairs = ("agent_id", "tool")
    return sorted(set(worked.values_list(*pairs)) & set(denied.values_list(*pairs)))


def _family(
    key: str, name: str, number: str, was: str, quality: str, definition: str, span: Span, times: Sequence[datetime],
    behind: str = "",
) -> Family:  # fmt: skip
    by_day = list(zip(span.days, span.by_day(times), strict=True))
    return Family(key, name, number, was, quality, definition, by_day, behind)


_FAMILIES: tuple[Callable[[Whose, Span], Family], ...] = (_viewed, _escalated, _rolled_back, _tightened)


def _points(now: _Share, then: _Share) -> str:
    """More is not better here, so it is only said, never coloured."""
    if now.value is None or then.value is None:
        return ""
    return _delta(round(now.value - then.value, 1), " pts")


def _more(now: int, then: int) -> str:
    return "as before" if now == then else f"{abs(now - then)} {'more' if now > then else 'fewer'}"


def _delta(by: float, unit: str) -> str:
    return f"{'up' if by > 0 else 'down'} {abs(by):g}{unit}" if by else "as before"
