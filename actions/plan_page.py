"""What the page of one plan shows: every step as it stands, what this person may decide, what can be done once it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.access import has_permission
from accounts.models import User
from accounts.permissions import Permission
from actions.bulk import Group, groups_of, refusal, summary
from actions.models import Action, Bulk, Plan
from actions.resume import refusal_for
from actions.rollback import recorded_inverse, waiting
from actions.states import IN_DOUBT, STOPS_PLAN, SUCCESS, State
from approvals.access import requests_visible_to
from approvals.batch import signs_alone, why_alone
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest, ApprovalSettings
from approvals.people import Person, person_in
from approvals.requirement import settings_of
from traces.canonical import digest_of
from traces.show import show
from traces.story.steps import stands

# Of a bulk step these say nothing that its first failure does not.
NOT_BEGUN = frozenset({State.CANCELLED, State.WITHDRAWN})
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

    @property
    def beside(self) -> Mapping[str, Any]:
        """What else is sent: which record, and arguments that are no field of it."""
        return self.request.displayed["payload"].get("beside", {}) if self.request else {}


@dataclass(frozen=True, slots=True)
class Done:
    """A step that succeeded, the newest first: how it would be undone, as status, text and words."""

    n: int
    title: str
    status: str
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """Items of a bulk step that are alike, shown by the first of them; `requests` are those this person decides as one."""

    group: Group
    rows: Sequence[Mapping[str, Any]]
    requests: Sequence[ApprovalRequest]

    @property
    def digest(self) -> str:
        """Over every payload of the group, so that a verdict is on exactly what was shown."""
        return group_digest(self.requests)

    @property
    def steps(self) -> str:
        """`steps 2, 3, 4 and 397 more`."""
        numbers = [str(action.step) for action in self.group.actions]
        more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
        return f"step{'s' if len(numbers) > 1 else ''} {', '.join(numbers[:8])}{more}"


@dataclass(frozen=True, slots=True)
class BulkView:
    """A bulk step: how alike its items are, how far it is, and why this person can't let the rest run ("" when they can)."""

    bulk: Bulk
    summary: str
    groups: Sequence[GroupView]
    done: int
    refusal: str
    # The first item as our own words tell it; a bulk step's own title is the agent's.
    first: str

    @property
    def tool(self) -> str:
        """The one tool every item calls."""
        return self.groups[0].group.first.tool_name if self.groups else ""

    @property
    def left(self) -> int:
        """How many stand behind the canary."""
        return self.bulk.size - self.bulk.canary

    @property
    def decisions(self) -> list[GroupView]:
        """The groups this person may decide."""
        return [group for group in self.groups if group.requests]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A plan as this person sees it. `compensation`: whether they may undo what was done. `refusal`: why not resume it."""

    steps: Sequence[PlanStep]
    bulks: Sequence[BulkView]
    count: int
    status: str
    sentence: str
    done: Sequence[Done]
    compensation: bool
    refusal: str

    @property
    def decisions(self) -> list[PlanStep]:
        """The steps this person may decide on this page."""
        return [step for step in self.steps if step.here]

    @property
    def shown(self) -> list[ApprovalRequest]:
        """Every request that this person may decide here: its payload stands on the page, alone or with those alike."""
        alone = [step.request for step in self.decisions if step.request is not None]
        return alone + [request for bulk in self.bulks for group in bulk.decisions for request in group.requests]


def plan_page(user: User, plan: Plan) -> PlanPage:
    """Everything the page shows."""
    story, _ = show(plan.trace, tab="")
    actions = list(Action.objects.filter(plan=plan).select_related("tool__connection", "bulk").order_by("step"))
    rows = {row["action_id"]: row for row in story.steps}
    requests = {request.action_id: request for request in requests_of(user, plan)}
    who = person_in(user, plan.trace.workspace)
    wanted = settings_of(plan.trace.workspace_id)
    status, sentence = _status(plan, actions)
    return PlanPage(
        steps=[
            _step(who, rows[action.pk], requests.get(action.pk), wanted) for action in actions if _alone(action, rows)
        ],
        bulks=_bulks(
            who, plan, actions, requests, rows, {record["step_n"]: record["rows"] for record in story.changes}
        ),
        count=len(actions),
        status=status,
        sentence=sentence,
        done=_done(actions, rows),
        compensation=_compensation(user, plan, actions),
        refusal=refusal_for(user, plan),
    )


def _alone(action: Action, rows: Mapping[str, Any]) -> bool:
    """Whether a step has a line of its own: every single call, and of a bulk step what did not go well."""
    if action.pk not in rows:
        return False
    return action.bulk_id is None or (action.state in STOPS_PLAN | IN_DOUBT and action.state not in NOT_BEGUN)


def _bulks(
    who: Person,
    plan: Plan,
    actions: Sequence[Action],
    requests: Mapping[str, ApprovalRequest],
    rows: Mapping[str, Mapping[str, Any]],
    shown: Mapping[int, Sequence[Mapping[str, Any]]],
) -> list[BulkView]:
    found = []
    for bulk in plan.bulks.select_related("plan__trace__workspace"):
        items = [action for action in actions if action.bulk_id == bulk.pk]
        groups = groups_of(items)
        views = [_group_view(group, shown, decided_as_one(who, group, requests)) for group in groups]
        done = sum(action.state in SUCCESS for action in items)
        first = str(rows[items[0].pk]["title"]) if items and items[0].pk in rows else ""
        found.append(BulkView(bulk, summary(groups), views, done, refusal(who.user, bulk), first))
    return found


def _group_view(
    group: Group, shown: Mapping[int, Sequence[Mapping[str, Any]]], requests: Sequence[ApprovalRequest]
) -> GroupView:
    """What is decided is shown from the payload its digest covers (P3); the rest from what was recorded."""
    rows = requests[0].displayed["payload"]["rows"] if requests else shown.get(group.first.step, ())
    return GroupView(group, rows, requests)


def decided_as_one(who: Person, group: Group, requests: Mapping[str, ApprovalRequest]) -> list[ApprovalRequest]:
    """The open requests of a group of alike items that this person may decide together: only what can be undone (E-03)."""
    found = [requests[action.pk] for action in group.actions if action.pk in requests]
    wanted = settings_of(found[0].workspace_id) if found else None
    return [request for request in found if decided_here(who, request, wanted)]


def group_digest(requests: Sequence[ApprovalRequest]) -> str:
    """One digest over what every request of a group would run."""
    return digest_of([[request.pk, request.digest] for request in requests])


def requests_of(user: User, plan: Plan) -> list[ApprovalRequest]:
    """The approval requests about a plan's steps that this person may see, in the order of the steps."""
    steps = dict(Action.objects.filter(plan=plan).values_list("pk", "step"))
    found = requests_visible_to(user, plan.trace.workspace).filter(action_id__in=steps)
    return sorted(found, key=lambda request: steps[request.action_id])


def decided_here(who: Person, request: ApprovalRequest, wanted: ApprovalSettings | None = None) -> bool:
    """Whether a request is decided beside others: open, this person's, and what may stand in a batch (E-03).

    What restoring its fields does not undo, what is read whole or edited before it is sent, and what a passkey signs by itself,
    is decided on a page of its own.
    """
    mine = request.is_open and not why_alone(request) and eligibility(who.user, request, who).may_decide
    return mine and not signs_alone(request, wanted)


def _step(who: Person, row: Mapping[str, Any], request: ApprovalRequest | None, wanted: ApprovalSettings) -> PlanStep:
    if request is None or not request.is_open:
        return PlanStep(row, request, "", here=False)
    return PlanStep(row, request, eligibility(who.user, request, who).reason, here=decided_here(who, request, wanted))


def _stopped(number: int, actions: Sequence[Action]) -> str:
    """At which step, how that ended, and why."""
    step = next((action for action in actions if action.step == number), None)
    if step is None:
        return f"Stopped at step {number}."
    return " ".join(filter(None, [f"Stopped at step {number}: {stands(step.state)[1].lower()}.", step.detail]))


def _status(plan: Plan, actions: Sequence[Action]) -> tuple[str, str]:
    """The outcome as status and sentence."""
    states = {action.state for action in actions}
    if plan.stopped_at_step is not None:
        return "stopped", f"{_stopped(plan.stopped_at_step, actions)} Nothing after it ran."
    if states <= SUCCESS:
        return "completed", "Every step succeeded."
    if any(_waits(bulk, actions) for bulk in plan.bulks.all()):
        return "waiting", "The first ones are done. A person looks at them and lets the rest run."
    if states & {State.UNKNOWN, State.NEEDS_HUMAN}:
        return "unknown", "A step is in doubt. Nothing after it runs until it is known what happened."
    if State.PENDING in states:
        return "waiting", "People are asked. Steps run in order, each after all before it succeeded."
    return "running", "Steps run in order, each after all before it succeeded."


def _waits(bulk: Bulk, actions: Sequence[Action]) -> bool:
    done = sum(action.state in SUCCESS for action in actions if action.bulk_id == bulk.pk)
    return bulk.continued_at is None and bulk.canary <= done < bulk.size


def _done(actions: Sequence[Action], rows: Mapping[str, Mapping[str, Any]]) -> list[Done]:
    """What succeeded, in the order in which it would be undone."""
    found = [action for action in reversed(actions) if action.state in SUCCESS and action.pk in rows]
    return [Done(action.step, str(rows[action.pk]["title"]), *_undo(action)) for action in found]


def _undo(action: Action) -> tuple[str, str, str]:
    if not _changed(action):
        return "done", "", "It only read."
    if action.rollback_state == Action.RollbackState.ROLLED_BACK:
        return "rolled_back", "", ""
    inverse = recorded_inverse(action)
    if inverse["how"] == "restore":
        return "reversible", "", f"{', '.join(row['field'] for row in inverse['rows'])} can be restored."
    if inverse["how"] == "call":
        return "escalated", "New action needed", f"{inverse['tool']} makes up for it."
    return "cant_undo", "", str(inverse["why"])


def _changed(action: Action) -> bool:
    definition = action.definition
    return definition is not None and not definition.reads_only


def _compensation(user: User, plan: Plan, actions: Sequence[Action]) -> bool:
    """Offered to operators, never begun by itself (F-07)."""
    left = [action for action in actions if action.state in SUCCESS and _changed(action)]
    able = any(recorded_inverse(action)["how"] != "none" and not waiting(action) for action in left)
    return able and has_permission(user, Permission.TRACE_ROLLBACK, plan.trace.workspace)
