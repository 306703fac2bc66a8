"""What attempts and people leave beside an action: credentials, attestations, rollbacks, switches, lives of the database."""

from django.db import models

from accounts.ids import new_id
from accounts.models import User, Workspace
from actions.models.calls import Action
from traces.models import Trace


def new_attestation_id() -> str:
    return new_id("att")


def new_rollback_id() -> str:
    return new_id("rbk")


def new_switch_id() -> str:
    return new_id("swi")


class AttemptCredential(models.Model):
    """A credential minted for one attempt, kept sealed until it has ended, so that a dead worker's can be revoked (P8)."""

    class Purpose(models.TextChoices):
        ATTEMPT = "attempt"
        RESEND = "resend"
        LOOK_UP = "look_up"

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="credentials")
    public_id = models.CharField(max_length=200)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    # Emptied when the credential has ended.
    sealed_secret = models.TextField(blank=True)
    scope = models.JSONField()
    record = models.CharField(max_length=300, blank=True)
    minted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="credential_open", condition=models.Q(ended_at__isnull=True))
        ]

    def __str__(self) -> str:
        return self.public_id


class Attestation(models.Model):
    """What a person says became of an action nobody could find out about, with evidence; it counts once a second confirms."""

    class State(models.TextChoices):
        OPEN = "open"
        CONFIRMED = "confirmed"
        DECLINED = "declined"

    id = models.CharField(primary_key=True, max_length=40, default=new_attestation_id, editable=False)
    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="attestations")
    succeeded = models.BooleanField()
    evidence = models.TextField()
    link = models.URLField(max_length=500)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="attestations")
    at = models.DateTimeField()
    second = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="confirmed_attestations")
    second_at = models.DateTimeField(null=True)
    second_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["action"], condition=models.Q(state="open"), name="attestation_one_open_per_action"
            ),
            # INVARIANT: nobody confirms their own word. Held by tests/actions/test_attest.py.
            models.CheckConstraint(
                condition=~models.Q(second=models.F("by")), name="attestation_second_is_another_person"
            ),
        ]

    def __str__(self) -> str:
        return self.id


class Epoch(models.Model):
    """One life of the database (F-05). When another begins, commits of the one before may be lost, intents among them."""

    number = models.PositiveIntegerField(primary_key=True)
    # PostgreSQL's own identity then: the cluster's system identifier, and the timeline it wrote.
    system = models.CharField(max_length=40)
    timeline = models.BigIntegerField()
    began_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    by = models.JSONField()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"epoch {self.number}"


class Rollback(models.Model):
    """One request of a person to undo what a trace did: its changes one after another, the newest first (P10).

    Each becomes an action of `undo_trace` when its turn comes, so that it is read and decided on what stands there then.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"

    id = models.CharField(primary_key=True, max_length=40, default=new_rollback_id, editable=False)
    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="undone_by")
    undo_trace = models.OneToOneField(Trace, on_delete=models.PROTECT, related_name="undoes")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="rollbacks")
    reason = models.TextField()
    # [{action, fields}], in the order they are undone; without fields, by the call that makes up for the action.
    todo = models.JSONField()
    # How many of them have become actions.
    proposed = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    detail = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["trace"], name="rollback_running", condition=models.Q(state="running"))]

    def __str__(self) -> str:
        return self.id


class KillSwitch(models.Model):
    """Holds every dispatch it covers until it is released. Read from the database each time; nothing caches it (P9)."""

    class Scope(models.TextChoices):
        AGENT = "agent"
        TOOL = "tool"
        CONNECTION = "connection"
        WORKSPACE = "workspace"
        EVERYTHING = "everything"

    id = models.CharField(primary_key=True, max_length=40, default=new_switch_id, editable=False)
    # Null only for everything.
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, related_name="kill_switches")
    scope = models.CharField(max_length=12, choices=Scope.choices)
    # The agent's or connection's id, the tool's name; "" for a workspace and for everything.
    target = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=160)
    reason = models.TextField()
    set_by = models.JSONField()
    set_at = models.DateTimeField()
    released_by = models.JSONField(null=True)
    released_at = models.DateTimeField(null=True)
    release_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-set_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "scope", "target"],
                condition=models.Q(released_at=None),
                nulls_distinct=False,
                name="switch_one_open_per_target",
            ),
            models.CheckConstraint(
                condition=models.Q(scope="everything", workspace=None)
                | (~models.Q(scope="everything") & models.Q(workspace__isnull=False)),
                name="switch_has_a_workspace_unless_everything",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.name}"
