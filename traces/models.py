"""Traces and their ledger entries. Insert-only: the database refuses UPDATE, DELETE and TRUNCATE of entries (R-43)."""

import json
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models

from accounts.ids import new_id
from accounts.models import Agent, User, Workspace

GENESIS = "0" * 64
# The words of a title, each with every day and month of its trace (migration 0015, traces.by_day).
TITLE_BY_DAY = models.Func(
    models.F("workspace"), models.F("title"), models.F("created_at"), models.F("later_days"),
    function="remit_title_by_day", output_field=SearchVectorField(),
)  # fmt: skip


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
        # One standing chain a workspace: what people do to its policies, agents, tools and members.
        GOVERNANCE = "governance"

    id = models.CharField(primary_key=True, max_length=40, default=new_trace_id, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.WORK)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="traces")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, null=True, related_name="traces")
    # Null only for the governance chain, which is nobody's request.
    on_behalf_of = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="traces")
    # Denormalised from the ledger for lists; the page itself folds the entries.
    title = models.CharField(max_length=300)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.RUNNING)
    waited_s = models.PositiveIntegerField(default=0)
    rollback_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="rollbacks")
    head_seq = models.PositiveIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default=GENESIS)
    # What lists find it by (traces.facets), as its entries say: `tool:desk.refund.create`, `record:acct_5521`.
    facets = ArrayField(models.CharField(max_length=140), default=list)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    # Other days than that of its opening on which actions of it were proposed, since 1970 in UTC. A trigger writes them, for
    # lists of actions by words; nothing decides by them.
    later_days = ArrayField(models.IntegerField(), null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agent"], condition=models.Q(kind="refusals"), name="trace_one_for_refusals_per_agent"
            ),
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(kind="governance"), name="trace_one_governance_per_workspace"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="trace_workspace_newest"),
            models.Index(fields=["workspace", "on_behalf_of", "-created_at"], name="trace_person_newest"),
            models.Index(fields=["workspace", "agent", "-created_at"], name="trace_agent_newest"),
            models.Index(fields=["workspace", "outcome", "-created_at"], name="trace_outcome_newest"),
            GinIndex(fields=["facets"], name="trace_facets"),
            GinIndex(SearchVector("title", config="simple"), name="trace_title_words"),
            # Each page looks into it many times, and each time it would read all that waits to be put in order.
            GinIndex(TITLE_BY_DAY, name="trace_title_by_day", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def asker(self) -> User:
        """Whose request this is. Raises ValueError for the governance chain, which is nobody's."""
        if self.on_behalf_of is None:
            raise ValueError("The governance chain is nobody's request.")
        return self.on_behalf_of


class FacetRow(models.Model):
    """One facet of a trace or an action beside its time: the order in which a list of that facet is read.

    A GIN index finds a facet but has no order, so a page of a common one would sort all that have it. The database writes
    these rows itself, by triggers on what they are read from; nothing decides by them.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    facet = models.CharField(max_length=140)
    # As of the trace or action, which never changes.
    created_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.facet


class TraceFacet(FacetRow):
    """A facet of a trace (`Trace.facets`)."""

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="facet_rows", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace", "facet"], name="trace_facet_once")]
        indexes = [models.Index(fields=["workspace", "facet", "-created_at", "-trace"], name="trace_facet_newest")]


def new_view_id() -> str:
    return new_id("vew")


class SavedView(models.Model):
    """Filters a person named, in one workspace; only they see them."""

    id = models.CharField(primary_key=True, max_length=40, default=new_view_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="saved_views")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.TextField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "user", "name"], name="view_name_once_per_person")]

    def __str__(self) -> str:
        return self.name


class TraceOpening(models.Model):
    """A person opened a trace's page, for the first time. It says that somebody looked, and decides nothing."""

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="openings")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trace_openings")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace", "user"], name="trace_opening_first_only")]

    def __str__(self) -> str:
        return f"{self.user_id} opened {self.trace_id}"


class CallWindow(models.Model):
    """The trace that an agent's calls belong to when they name none: one row an agent, person and said intent."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="windows")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="windows")
    # Empty where the calls say no intent.
    intent_digest = models.CharField(max_length=80, blank=True)
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, null=True, related_name="windows")
    calls = models.PositiveSmallIntegerField(default=0)
    last_call_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "person", "intent_digest"], name="call_window_once")]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.person_id} {self.trace_id}"


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


def new_log_id() -> str:
    return new_id("log")


class Log(models.Model):
    """One Merkle log: of a workspace's trace heads, or (without a workspace) the registry of all workspaces.

    The registry's id names the deployment in every checkpoint. `problem` says why no checkpoint is signed now.
    """

    id = models.CharField(primary_key=True, max_length=40, default=new_log_id, editable=False)
    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, null=True, related_name="log")
    origin = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField()
    problem = models.TextField(blank=True)
    problem_at = models.DateTimeField(null=True)
    # By the database's clock as it was; a checkpoint's own time is never before the one before it, whatever the clock did.
    signed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(workspace=None), name="log_one_registry_per_deployment"
            )
        ]

    def __str__(self) -> str:
        return self.origin


class Leaf(models.Model):
    """A head as it was registered: of a trace (`seq`, `head`), or of a workspace's tree (checkpoint number, root)."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="leaves")
    index = models.PositiveBigIntegerField()
    subject = models.CharField(max_length=40)
    seq = models.PositiveBigIntegerField()
    head = models.CharField(max_length=64)
    text = models.CharField(max_length=240)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "index"], name="leaf_dense_per_log"),
            models.UniqueConstraint(fields=["log", "subject", "seq"], name="leaf_once_per_head"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.seq}"


class TreeNode(models.Model):
    """The hash of a whole subtree of 2**level leaves, level 1 and up."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="nodes")
    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "level", "index"], name="node_once")]

    def __str__(self) -> str:
        return f"{self.level}:{self.index}"


class SigningKey(models.Model):
    """An Ed25519 key of this deployment. It is in use until the next one is made."""

    number = models.PositiveIntegerField(unique=True)
    public = models.CharField(max_length=44)
    sealed = models.TextField()
    created_at = models.DateTimeField()
    # The signed note by which the key before it handed over; empty for the first.
    endorsement = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"key {self.number}"


class Checkpoint(models.Model):
    """A signed note over one log's tree (C2SP tlog-checkpoint), chained to the one before. `note` is the proof."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="checkpoints")
    number = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()
    root = models.CharField(max_length=64)
    entries = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+")
    note = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "number"], name="checkpoint_dense_per_log")]

    def __str__(self) -> str:
        return f"checkpoint {self.number} of {self.log_id}"


class Delivery(models.Model):
    """How far a witness has been told of a log's checkpoints."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="deliveries")
    witness = models.CharField(max_length=300)
    number = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "witness"], name="delivery_once_per_witness")]

    def __str__(self) -> str:
        return f"{self.witness} {self.number}"
