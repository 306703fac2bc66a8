"""Channels, what is to be said on them, and how each message fared. Secrets stand sealed (R-33)."""

from django.db import models

from accounts.ids import new_id
from accounts.models import User, Workspace
from traces.models import Entry


def new_channel_id() -> str:
    return new_id("chn")


def new_notice_id() -> str:
    return new_id("ntc")


def new_delivery_id() -> str:
    return new_id("msg")


class Untold(models.Model):
    """An entry that people are still to be told of. Written with the entry, removed with the notices made from it.

    INVARIANT: what the ledger recorded is told at least once, whatever dies when. Held by tests/notices/test_outbox.py.
    """

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, primary_key=True, related_name="+")
    # Why it could not be put into words, if so; it is tried again after a while and delays nothing else.
    problem = models.CharField(max_length=200, blank=True)
    again_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"entry {self.entry_id}"


class Channel(models.Model):
    """Where a workspace, or one person in it, is told of things."""

    class Kind(models.TextChoices):
        EMAIL = "email", "Email"
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        PAGERDUTY = "pagerduty", "PagerDuty"
        WEBHOOK = "webhook", "Signed webhook"

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        REMOVED = "removed"

    id = models.CharField(primary_key=True, max_length=40, default=new_channel_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="notice_channels")
    # A person's own mail; null for a channel of the workspace.
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="notice_channels")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=120)
    # {url, key, secrets, to}: what the kind needs. Empty for a person, whose address is their account's.
    sealed = models.TextField(blank=True)
    # What pages show of it: a host, or how many people. Never a path, which may be a secret.
    shown = models.CharField(max_length=260, blank=True)
    events = models.JSONField(default=list)
    quiet_from = models.TimeField(null=True)
    quiet_to = models.TimeField(null=True)
    # Days on which the span begins, Monday is 0.
    quiet_days = models.JSONField(default=list)
    urgent_through = models.BooleanField(default=True)
    digest_min = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "person"], name="channel_one_per_person")]

    def __str__(self) -> str:
        return self.name

    @property
    def groups_notices(self) -> bool:
        """Whether what is held back goes out as one message. An incident is never part of another."""
        return self.kind != self.Kind.PAGERDUTY

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE


class Delivery(models.Model):
    """One message to one channel. Its id is the message's, the same at every attempt."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"
        SKIPPED = "skipped"

    id = models.CharField(primary_key=True, max_length=40, default=new_delivery_id, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deliveries")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    is_test = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Attempts since it was queued or sent again by a person: those the cap counts.
    round = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    # Until when one process may be sending it; after that it is anybody's again.
    claimed_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["next_at"], name="delivery_due", condition=models.Q(state="queued")),
            models.Index(fields=["channel", "-created_at"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return self.id


class Notice(models.Model):
    """One thing to say on one channel, in words fixed when it happened."""

    id = models.CharField(primary_key=True, max_length=40, default=new_notice_id, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="notices")
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="notices")
    event = models.CharField(max_length=60)
    # What it is told of, once a channel: `trc_… 12`, or a checkpoint's failure.
    occasion = models.CharField(max_length=200)
    # The approval it is about: a notice that is still held back is dropped when that is settled.
    approval = models.CharField(max_length=40, blank=True)
    dropped = models.BooleanField(default=False)
    title = models.CharField(max_length=400)
    facts = models.JSONField(default=list)
    path = models.CharField(max_length=300)
    at = models.DateTimeField()
    due = models.DateTimeField(null=True)
    # The hash of the ledger entry, so that a receiver can look it up in an export.
    entry_hash = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["channel", "occasion"], name="notice_once_per_channel")]
        indexes = [models.Index(fields=["approval"], name="notice_of_approval", condition=~models.Q(approval=""))]

    def __str__(self) -> str:
        return self.title


class AllowedHost(models.Model):
    """A host, or a mail domain, that notices of a workspace may reach, beside those every channel's kind has (R-32)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="allowed_hosts")
    host = models.CharField(max_length=253)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["host"]
        constraints = [models.UniqueConstraint(fields=["workspace", "host"], name="allowed_host_once")]

    def __str__(self) -> str:
        return self.host
