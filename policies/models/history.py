"""What was decided in the past, as replay needs it, and the breakers that tripped."""

from django.db import models

from accounts.ids import new_id
from accounts.models import User, Workspace
from policies.models.policy import Policy


def new_replay_id() -> str:
    return new_id("rpl")


def new_trip_id() -> str:
    return new_id("trp")


class DecisionRecord(models.Model):
    """One decision: exactly what the engine was given, what it said, and what became of the action."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        REJECTED = "rejected"
        NOT_RUN = "not_run"
        UNKNOWN = "unknown"
        ROLLED_BACK = "rolled_back"

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="decision_records")
    policy = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    action_id = models.CharField(max_length=40, unique=True)
    trace_id = models.CharField(max_length=40)
    agent_id = models.CharField(max_length=40)
    role = models.CharField(max_length=80)
    tool = models.CharField(max_length=120)
    effect_class = models.CharField(max_length=20)
    title = models.CharField(max_length=300)
    # The engine's Request as JSON with sorted names, usage left out: a replay counts its own.
    request_text = models.TextField()
    effect = models.CharField(max_length=10)
    # The rule that decided: the first denied check, else the first escalated, else "".
    rule = models.CharField(max_length=200, blank=True)
    route = models.CharField(max_length=80, blank=True)
    refused = models.JSONField(default=list)
    # The path of every value of `fields`, each once, sorted: counted by the database.
    named = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # Every check that did not pass: [[rule, outcome], ...].
    spoke = models.JSONField(default=list)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.OPEN)
    waited_s = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # What the shadow version said: its digest, effect, rule and reason; "" where none ran.
    shadow_digest = models.CharField(max_length=80, blank=True)
    shadow_effect = models.CharField(max_length=10, blank=True)
    shadow_rule = models.CharField(max_length=200, blank=True)
    shadow_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["workspace", "policy", "at"], name="decision_policy_time"),
            models.Index(fields=["workspace", "agent_id", "at"], name="decision_agent_time"),
            models.Index(fields=["workspace", "policy", "finished_at"], name="decision_policy_ended"),
            models.Index(
                fields=["workspace", "policy", "role", "at"],
                name="decision_wrote_time",
                condition=models.Q(outcome__in=["succeeded", "rolled_back"]) & ~models.Q(effect_class="read"),
            ),
            models.Index(
                fields=["workspace", "policy", "at"], name="decision_spoke_time", condition=~models.Q(spoke=[])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action_id} {self.effect}"


class Replay(models.Model):
    """One run of a document over past decisions. No tool is called."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=40, default=new_replay_id, editable=False)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="replays")
    source = models.TextField()
    digest = models.CharField(max_length=80)
    # The number of the version that was live when it was asked for, 0 before the first: what is "newly" is compared with it.
    live = models.PositiveIntegerField(default=0, db_default=0)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    detail = models.CharField(max_length=500, blank=True)
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    # Moves while a worker counts; a stale one is started again.
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["policy", "digest", "-created_at"], name="replay_of_digest")]

    def __str__(self) -> str:
        return self.id


class BreakerTrip(models.Model):
    """A breaker that tripped. It holds every call it covers until a person resets it."""

    id = models.CharField(primary_key=True, max_length=40, default=new_trip_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="breaker_trips")
    policy = models.SlugField(max_length=60)
    breaker = models.CharField(max_length=80)
    # Whose: `id:per:whose`, as the engine names it.
    key = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    evidence = models.JSONField(default=list)
    tripped_at = models.DateTimeField()
    reset_at = models.DateTimeField(null=True)
    reset_by = models.JSONField(null=True)
    reset_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-tripped_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "policy", "key"],
                condition=models.Q(reset_at=None),
                name="breaker_trips_once_per_policy",
            )
        ]

    def __str__(self) -> str:
        return self.key
