"""Traces and their ledger entries. Insert-only: the database refuses UPDATE, DELETE and TRUNCATE of entries (R-43)."""

import json
from typing import Any

from django.db import models

from accounts.ids import new_id
from accounts.models import Agent, User, Workspace

GENESIS = "0" * 64


def new_trace_id() -> str:
    return new_id("trc")


class Trace(models.Model):
    """One user intent, worked by one agent on behalf of one person (or by a person: a rollback)."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        WAITING = "waiting"
        COMPLETED = "completed"
        STOPPED = "stopped"
        DENIED = "denied"
        FAILED = "failed"
        UNKNOWN = "unknown"
        ROLLED_BACK = "rolled_back"

    class Kind(models.TextChoices):
        WORK = "work"
        # One standing trace an agent: its requests that were refused before they belonged to any trace.
        REFUSALS = "refusals"

    id = models.CharField(primary_key=True, max_length=40, default=new_trace_id, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.WORK)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="traces")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, null=True, related_name="traces")
    on_behalf_of = models.ForeignKey(User, on_delete=models.PROTECT, related_name="traces")
    # Denormalised from the ledger for lists; the page itself folds the entries.
    title = models.CharField(max_length=300)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.RUNNING)
    waited_s = models.PositiveIntegerField(default=0)
    rollback_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="rollbacks")
    head_seq = models.PositiveIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default=GENESIS)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agent"], condition=models.Q(kind="refusals"), name="trace_one_for_refusals_per_agent"
            )
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="trace_workspace_newest"),
            models.Index(fields=["workspace", "on_behalf_of", "-created_at"], name="trace_person_newest"),
        ]

    def __str__(self) -> str:
        return self.id


class Entry(models.Model):
    """One ledger row. `canonical` is the hashed text; the other columns repeat parts of it for look-up."""

    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="entries")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    type = models.CharField(max_length=60)
    canonical = models.TextField()
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["trace_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["trace", "seq"], name="entry_dense_per_trace")]
        indexes = [models.Index(fields=["type", "-at"], name="entry_type_newest")]

    def __str__(self) -> str:
        return f"{self.trace_id} #{self.seq} {self.type}"

    @property
    def record(self) -> dict[str, Any]:
        """The hashed record: `{v, trace, seq, at, type, actor, body, prev}`."""
        return json.loads(self.canonical)  # type: ignore[no-any-return]


class WithheldValue(models.Model):
    """The value and salt behind a commitment in an entry. Dropping the row leaves the proof intact (R-42)."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="withheld")
    commitment = models.CharField(max_length=64)
    kind = models.CharField(max_length=60)
    salt = models.CharField(max_length=32)
    value = models.TextField()

    def __str__(self) -> str:
        return f"{self.kind} in entry {self.entry_id}"
