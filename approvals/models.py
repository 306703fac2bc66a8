"""Requests for a human verdict, and the verdicts people gave. What is required comes from policy as plain values."""

from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

from accounts.clock import database_now
from accounts.ids import new_id
from accounts.models import Agent, Delegation, SingleOperator, User, Workspace
from approvals.algebra import Step, Vote, steps_of, timers, waiting, with_seconds
from approvals.route_models import Question, Snooze
from traces.models import Trace

__all__ = [
    "ApprovalKey",
    "ApprovalRequest",
    "ApprovalSettings",
    "BreakGlass",
    "FiredTimer",
    "Opening",
    "Question",
    "Snooze",
    "Verdict",
]


def new_request_id() -> str:
    return new_id("apr")


class ApprovalRequest(models.Model):
    """One action that waits for people. `digest` covers exactly the bytes that would run (P1, P4)."""

    class Kind(models.TextChoices):
        APPROVAL = "approval"
        DRAFT = "draft"

    class State(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        WITHDRAWN = "withdrawn"
        STALE = "stale"
        # Run without the people still asked, by somebody who owes a review for it.
        BREAK_GLASS = "break_glass"

    id = models.CharField(primary_key=True, max_length=40, default=new_request_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="approval_requests")
    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="approval_requests")
    action_id = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.CharField(max_length=300)
    requester = models.ForeignKey(User, on_delete=models.PROTECT, related_name="approval_requests")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, null=True, related_name="approval_requests")
    # As decided by policy: {name, steps: [{name, group, quorum, people, joins, attributes}], separation, escalation, ...}.
    route = models.JSONField()
    # The first step that waits, from 1.
    step = models.PositiveSmallIntegerField(default=1)
    # People who may not decide, with the reason a page shows them: {user id: reason}.
    excluded = models.JSONField(default=dict)
    # The same for everybody with a hand in it, whatever the route separates: they never break glass.
    involved = models.JSONField(default=dict)
    digest = models.CharField(max_length=80)
    displayed = models.JSONField()
    # What a verdict's signature names beside the digest: arguments, tool pin, policy, pre-state, requester, risk (B-03).
    bound = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    # Since when it is with the agent, which was asked to change it. It stays open, and due when it was due.
    returned_at = models.DateTimeField(null=True)
    # By whom it was withdrawn and why, as the agent and the page are told.
    withdrawn_why = models.TextField(blank=True)
    # When the sweeper looks at its timers again; null when none is left.
    next_timer_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["expires_at", "id"]
        indexes = [
            models.Index(
                fields=["workspace", "expires_at"], name="approval_open_by_due", condition=models.Q(state="open")
            ),
            models.Index(fields=["workspace", "-settled_at"], name="approval_settled_newest"),
            models.Index(fields=["next_timer_at"], name="approval_timer_due", condition=models.Q(state="open")),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def steps(self) -> tuple[Step, ...]:
        """The route's steps in order, with the groups they escalated to so far.

        Where somebody approved above the hourly limit, the step needs one person more.
        """
        pressed = {verdict.step for verdict in self.counted if verdict.wants_second}
        return with_seconds(steps_of(self.route, self.escalated), pressed)

    @property
    def escalated(self) -> list[int]:
        """The places of the route's escalations that happened. None happened before its time, whatever a row says."""
        fired = [timer for timer in self.timers.all() if timer.kind == FiredTimer.Kind.ESCALATION]
        return sorted(timer.number for timer in fired if self._was_due(timer))

    def _was_due(self, fired: "FiredTimer") -> bool:
        known = [timer.after for timer in timers(self.route, self.lasts) if timer.key == (fired.kind, fired.number)]
        return any(fired.at >= self.created_at + after for after in known)

    @property
    def counted(self) -> "list[Verdict]":
        """Verdicts on the payload as it is now."""
        return [verdict for verdict in self.verdicts.all() if not verdict.void]

    @property
    def votes(self) -> list[Vote]:
        """Approvals that count, as the algebra takes them."""
        return [verdict.vote for verdict in self.counted if verdict.choice == Verdict.Choice.APPROVE]

    @property
    def waiting(self) -> tuple[Step, ...]:
        """The steps that may be decided now."""
        return waiting(self.steps, self.votes)

    @property
    def lasts(self) -> timedelta:
        """How long it waits for people before it is denied."""
        return self.expires_at - self.created_at

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def is_with_agent(self) -> bool:
        """Whether a reviewer asked for changes and nothing came of it yet."""
        return self.is_open and self.returned_at is not None

    @property
    def state_words(self) -> str:
        """How it ended, after `was`."""
        return {"break_glass": "run in an emergency", "stale": "out of date"}.get(self.state, self.state)


class Verdict(models.Model):
    """One person's decision on one step, bound to the digest that person was shown (P3, P4)."""

    class Choice(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="verdicts")
    step = models.PositiveSmallIntegerField()
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="verdicts")
    choice = models.CharField(max_length=10, choices=Choice.choices)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=80)
    # A verdict on a payload that was edited afterwards no longer counts; the row stays.
    void = models.BooleanField(default=False)
    # {statement, key, signature, assertion}: what this person decided, signed. Empty: recorded unsigned, never counts.
    signed = models.JSONField(default=dict)
    # When the payload was first shown to this person, and how long until the verdict; null when it was not shown.
    opened_at = models.DateTimeField(null=True)
    dwell_ms = models.PositiveBigIntegerField(null=True)
    # Given for somebody who was away, under this delegation.
    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, null=True, related_name="verdicts")
    # Given although separation of duties keeps this person from it, by the one person there is.
    single = models.ForeignKey(SingleOperator, on_delete=models.PROTECT, null=True, related_name="verdicts")
    # Where it was given, as its signed statement says; empty is the console.
    via = models.CharField(max_length=120, blank=True)
    # How many verdicts one press gave: 1 where this was decided by itself.
    together = models.PositiveSmallIntegerField(default=1)
    # Given above a limit of approvals an hour: somebody else must approve this step as well.
    wants_second = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            # INVARIANT: one person, one verdict on one payload. Held by tests/approvals/test_record_verdict.py.
            models.UniqueConstraint(fields=["request", "user", "digest"], name="one_verdict_per_person_and_payload")
        ]
        indexes = [models.Index(fields=["user", "-at"], name="verdict_person_newest")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.choice} {self.request_id} step {self.step}"

    @property
    def vote(self) -> Vote:
        """As the algebra takes it."""
        return Vote(self.step, self.humans)

    @property
    def humans(self) -> frozenset[str]:
        """The accounts of whom it was given by and for."""
        return frozenset({self.user_id, *([self.delegation.person_id] if self.delegation else [])})

    @property
    def who(self) -> str:
        """Whose it is, in words: `Maya Chen for Tomás Ruiz`."""
        named = f"{self.user.name} for {self.delegation.person.name}" if self.delegation else self.user.name
        return f"{named} in single-operator mode" if self.single_id else named

    @property
    def capacity(self) -> dict[str, str]:
        """By what right it was given, beside the person's own, and where: part of the signed statement."""
        return capacity_of(self.delegation, self.single, self.via)


def capacity_of(delegation: Delegation | None, single: SingleOperator | None, via: str = "") -> dict[str, str]:
    """What a statement says of a right that is not the approver's own, and of where it was given; nothing of the console."""
    stands_in = {"delegation": delegation.pk, "for": delegation.person_id} if delegation else {}
    return stands_in | ({"single_operator": single.pk} if single else {}) | ({"via": via} if via else {})


class HappenedManager(models.Manager["FiredTimer"]):
    """Rows of the future have not happened. Related rows are read by it as well."""

    def get_queryset(self) -> models.QuerySet["FiredTimer"]:
        return super().get_queryset().filter(at__lte=Now())


class FiredTimer(models.Model):
    """Something a request's route says happens when nobody decides, that happened. Each at most once (R-27)."""

    class Kind(models.TextChoices):
        ESCALATION = "escalation"
        REMINDER = "reminder"

    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="timers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # The place of the escalation in its route, from 0; which reminder it is, from 1.
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    objects = HappenedManager()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            # INVARIANT: no timer happens twice. Held by tests/approvals/test_timers.py.
            models.UniqueConstraint(fields=["request", "kind", "number"], name="timer_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of {self.request_id}"


class BreakGlass(models.Model):
    """One request run without the people still asked: by whom, of exactly what, why; and the review owed for it."""

    class Finding(models.TextChoices):
        JUSTIFIED = "justified"
        UNJUSTIFIED = "unjustified"

    request = models.OneToOneField(ApprovalRequest, on_delete=models.PROTECT, related_name="broken")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="broken_glass")
    group = models.CharField(max_length=80)
    reason = models.TextField()
    digest = models.CharField(max_length=80)
    # Names of the steps nobody had decided, and slugs of the groups that were told.
    skipped = models.JSONField()
    notified = models.JSONField(default=list)
    at = models.DateTimeField()
    # {statement, key, signature, assertion}, as of a verdict. Empty: recorded unsigned, and runs nothing.
    signed = models.JSONField(default=dict)
    due_at = models.DateTimeField()
    review_group = models.CharField(max_length=80)
    review = models.TextField(blank=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="glass_reviews")
    reviewed_at = models.DateTimeField(null=True)
    finding = models.CharField(max_length=12, choices=Finding.choices, blank=True)
    finding_note = models.TextField(blank=True)
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="confirmed_glass")
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(fields=["due_at"], name="glass_unreviewed", condition=models.Q(confirmed_at__isnull=True))
        ]
        constraints = [
            # INVARIANT: nobody confirms the review of their own emergency. Held by tests/approvals/test_glass_review.py.
            models.CheckConstraint(
                condition=~models.Q(confirmed_by=models.F("user")) & ~models.Q(confirmed_by=models.F("reviewed_by")),
                name="glass_confirmed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} by {self.user_id}"

    @property
    def overdue(self) -> bool:
        """Whether the review is not resolved and its time has passed, on the database clock."""
        return self.confirmed_at is None and database_now() >= self.due_at


class Opening(models.Model):
    """A payload was shown to a person who may decide it, for the first time. It reaches the ledger with the verdict."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="openings")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="openings")
    digest = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "user", "digest"], name="opening_first_only")]

    def __str__(self) -> str:
        return f"{self.user_id} opened {self.request_id}"


class ApprovalSettings(models.Model):
    """How a workspace wants approvals given. A workspace without a row has these defaults."""

    class Floor(models.TextChoices):
        NONE = "none", "Nothing beside the session"
        BY_RISK = "by_risk", "A step-up where the action is irreversible or has side effects"
        TOTP = "totp", "A step-up for every approval"
        PASSKEY = "passkey", "A passkey signs every approval"

    workspace = models.OneToOneField(
        Workspace, on_delete=models.CASCADE, primary_key=True, related_name="approval_settings"
    )
    # INVARIANT: no policy asks less than this. Held by tests/stepup/test_requirement.py.
    step_up_floor = models.CharField(max_length=10, choices=Floor.choices, default=Floor.BY_RISK)
    # Approvals of one person an hour above which each of theirs needs a second approver; null: never.
    second_above = models.PositiveSmallIntegerField(null=True)
    # Prompts for people per 100 actions of an agent that this workspace accepts.
    prompt_budget = models.PositiveSmallIntegerField(default=20)
    # Share of automatic actions looked at again afterwards, per mille.
    recheck_per_mille = models.PositiveSmallIntegerField(default=20)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(recheck_per_mille__lte=1000), name="approval_recheck_share"),
        ]

    def __str__(self) -> str:
        return f"approval settings of {self.workspace_id}"


class ApprovalKey(models.Model):
    """An Ed25519 key that signs verdicts. Sealed with a secret that only the console's processes have (B-03, 9.2.9)."""

    number = models.PositiveIntegerField(unique=True)
    public = models.CharField(max_length=44, unique=True)
    sealed = models.TextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"approval key {self.number}"
