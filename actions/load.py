"""What approving costs people: how often, how fast, and how many prompts each agent makes (A-09, T25). Reads only.

INVARIANT: every figure is of one workspace. Held by tests/stepup/test_load.py.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count

from accounts.clock import database_now
from accounts.models import Agent, Workspace
from actions.models import Action
from approvals.fatigue import FAST_MS, HOUR
from approvals.models import ApprovalRequest, Verdict

PERIODS = {"1": "24 hours", "7": "7 days", "30": "30 days"}
DEFAULT_PERIOD = "7"


@dataclass(frozen=True, slots=True)
class ApproverRow:
    """One person's verdicts of the period. Dwell is from the first time the payload was shown to them to the verdict."""

    name: str
    verdicts: int
    approvals: int
    median_s: float | None
    unopened: int
    fast: int
    most_an_hour: int
    # Approvals given by one press with others.
    together: int = 0

    @property
    def together_share(self) -> int:
        """Per cent of their approvals that were given together with others."""
        return round(100 * self.together / self.approvals) if self.approvals else 0

    @property
    def approve_share(self) -> int:
        """Per cent of their verdicts that approved."""
        return round(100 * self.approvals / self.verdicts)

    @property
    def is_flagged(self) -> bool:
        return bool(self.fast or self.unopened)


@dataclass(frozen=True, slots=True)
class AgentRow:
    """How often an agent's actions asked people, against the workspace's budget."""

    name: str
    actions: int
    prompts: int
    budget: int
    # Of its prompts, those a reviewer could not decide as they stood.
    sent_back: int = 0

    @property
    def per_100(self) -> float:
        return round(100 * self.prompts / self.actions, 1) if self.actions else 0.0

    @property
    def above_text(self) -> str:
        return f"{self.per_100}, above budget"

    @property
    def is_above(self) -> bool:
        return self.per_100 > self.budget


def since(period: str) -> datetime:
    """The beginning of a period; an unknown one is the default."""
    return database_now() - timedelta(days=int(period if period in PERIODS else DEFAULT_PERIOD))


def approvers(workspace: Workspace, start: datetime) -> list[ApproverRow]:
    """Everybody who gave a verdict, the most loaded first."""
    by_person: dict[str, list[Verdict]] = defaultdict(list)
    found = Verdict.objects.filter(request__workspace=workspace, at__gte=start).select_related("user").order_by("at")
    for verdict in found:
        by_person[verdict.user_id].append(verdict)
    rows = [_approver(verdicts) for verdicts in by_person.values()]
    return sorted(rows, key=lambda row: (-row.approvals, row.name))


def _approver(verdicts: Sequence[Verdict]) -> ApproverRow:
    approved = [verdict for verdict in verdicts if verdict.choice == Verdict.Choice.APPROVE]
    dwells = [verdict.dwell_ms for verdict in approved if verdict.dwell_ms is not None]
    return ApproverRow(
        name=verdicts[0].user.name,
        verdicts=len(verdicts),
        approvals=len(approved),
        median_s=round(median(dwells) / 1000, 1) if dwells else None,
        unopened=len(approved) - len(dwells),
        fast=sum(dwell < FAST_MS for dwell in dwells),
        together=sum(verdict.together > 1 for verdict in approved),
        most_an_hour=most_within_an_hour([verdict.at for verdict in approved]),
    )


def most_within_an_hour(times: Sequence[datetime]) -> int:
    """The most of these times, in order, that lie within any one hour."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= HOUR:
            first += 1
        most = max(most, last - first + 1)
    return most


def agents(workspace: Workspace, start: datetime, budget: int) -> list[AgentRow]:
    """Every agent that acted, the one that asks most first."""
    acted = Action.objects.filter(workspace=workspace, created_at__gte=start, acting_user=None)
    asked = ApprovalRequest.objects.filter(workspace=workspace, created_at__gte=start, agent__isnull=False)
    actions = dict(acted.order_by().values_list("agent").annotate(n=Count("pk")))
    prompts = dict(asked.order_by().values_list("agent").annotate(n=Count("pk")))
    known = Agent.objects.filter(workspace=workspace, pk__in=actions)
    back = dict(asked.filter(returned_at__isnull=False).order_by().values_list("agent").annotate(n=Count("pk")))
    rows = [AgentRow(one.name, actions[one.pk], prompts.get(one.pk, 0), budget, back.get(one.pk, 0)) for one in known]
    return sorted(rows, key=lambda row: (-row.per_100, row.name))
