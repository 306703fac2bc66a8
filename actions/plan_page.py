"""What the page of one plan shows: every step as it stands, what this person may decide, what can be done once it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from actions.models import Action, Plan
from actions.resume import refusal_for
from actions.states import SUCCESS, State
from approvals.access import requests_visible_to
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest
from traces.show import show

# What one person is asked about a step, in the order of the page.
CHOICES = (("approve", "Approve"), ("reject", "Reject"), ("", "Leave it for now"))


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step: its line of the trace, the request about it if people were asked, and whether this person decides it here."""

    row: Mapping[str, Any]
    request: ApprovalRequest | None
    why_not: str
    here: bool

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The payload as the request stored it, field by field."""
        assert self.request is not None  # Only asked of steps that are decided here.
        return self.request.displayed["payload"]["rows"]  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A plan as this person sees it. `refusal` says why it can't be resumed."""

    steps: Sequence[PlanStep]
    status: str
    sentence: str
    done: Sequence[Action]
    refusal: str

    @property
    def decisions(self) -> list[PlanStep]:
        """The steps this person may decide on this page."""
        return [step for step in self.steps if step.here]


def plan_page(user: User, plan: Plan) -> PlanPage:
    """Everything the page shows."""
    story, _ = show(plan.trace, tab="")
    actions = list(Action.objects.filter(plan=plan).select_related("tool").order_by("step"))
    rows = {row["action_id"]: row for row in story.steps}
    requests = {request.action_id: request for request in requests_of(user, plan)}
    status, sentence = _status(plan, actions)
    return PlanPage(
        steps=[_step(user, rows[action.pk], requests.get(action.pk)) for action in actions if action.pk in rows],
        status=status,
        sentence=sentence,
        done=[action for action in actions if action.state in SUCCESS],
        refusal=refusal_for(user, plan),
    )


def requests_of(user: User, plan: Plan) -> list[ApprovalRequest]:
    """The approval requests about a plan's steps that this person may see, in the order of the steps."""
    steps = dict(Action.objects.filter(plan=plan).values_list("pk", "step"))
    found = requests_visible_to(user, plan.trace.workspace).filter(action_id__in=steps)
    return sorted(found, key=lambda request: steps[request.action_id])


def decided_here(user: User, request: ApprovalRequest) -> bool:
    """Whether a request is decided beside others: open, this person's, and not of something that cannot be taken back.

    What is irreversible, and what is edited before it is sent, is decided on a page of its own.
    """
    alone = request.displayed["reversibility"] == "irreversible" or request.displayed["payload"]["kind"] != "record"
    return request.is_open and not alone and eligibility(user, request).may_decide


def _step(user: User, row: Mapping[str, Any], request: ApprovalRequest | None) -> PlanStep:
    if request is None or not request.is_open:
        return PlanStep(row, request, "", here=False)
    return PlanStep(row, request, eligibility(user, request).reason, here=decided_here(user, request))


def _status(plan: Plan, actions: Sequence[Action]) -> tuple[str, str]:
    """The outcome as status and sentence."""
    states = {action.state for action in actions}
    if plan.stopped_at_step is not None:
        return "stopped", f"Stopped at step {plan.stopped_at_step}. Nothing after it ran."
    if states <= SUCCESS:
        return "completed", "Every step succeeded."
    if states & {State.UNKNOWN, State.NEEDS_HUMAN}:
        return "unknown", "A step is in doubt. Nothing after it runs until it is known what happened."
    if State.PENDING in states:
        return "waiting", "People are asked. Steps run in order, each after all before it succeeded."
    return "running", "Steps run in order, each after all before it succeeded."
