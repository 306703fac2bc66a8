"""Connections, tools, plans and actions. The action row is the queue; the broker only rings (R-01)."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import F

from accounts.ids import new_id
from accounts.models import Agent, PersonToken, User, Workspace
from accounts.scopes import AGENT
from actions.definition import Definition
from actions.stands import STANDS
from actions.states import IN_DOUBT, State
from traces.models import Trace


def new_connection_id() -> str:
    return new_id("con")


def new_tool_id() -> str:
    return new_id("tol")


def new_plan_id() -> str:
    return new_id("pln")


def new_bulk_id() -> str:
    return new_id("blk")


def new_action_id() -> str:
    return new_id("act")


def new_system_id() -> str:
    return new_id("sys")


class Connection(models.Model):
    """A system of record of one workspace. The secret is sealed at rest and never leaves the worker (P8)."""

    id = models.CharField(primary_key=True, max_length=40, default=new_connection_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="connections")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    base_url = models.URLField(max_length=300)
    link_url = models.URLField(max_length=300, blank=True)
    client_id = models.CharField(max_length=120)
    sealed_secret = models.TextField()
    allow_private = models.BooleanField(default=False)
    # Names the system behind the address. It changes when the connection is pointed at another one, so that nobody looks
    # in one system for what was sent to another.
    system = models.CharField(max_length=40, default=new_system_id)
    # What a kind of connector lets people set: {auth: {...}} of the http connector.
    options = models.JSONField(default=dict)
    # The last look at whether it works: when, what came of it, who looked. Null: nobody has.
    checked_at = models.DateTimeField(null=True)
    check_ok = models.BooleanField(null=True)
    check_detail = models.CharField(max_length=300, blank=True, default="")
    checked_by = models.JSONField(null=True)
    # When the sweeper last took it up to compare what it lists with what was approved.
    watched_at = models.DateTimeField(null=True)
    secret_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="connection_slug_per_workspace")]

    def __str__(self) -> str:
        return self.slug


class Tool(models.Model):
    """One operation of a connection. `digest` pins the whole definition (R-22)."""

    id = models.CharField(primary_key=True, max_length=40, default=new_tool_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="tools")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="tools")
    name = models.CharField(max_length=120)
    definition_text = models.TextField()
    digest = models.CharField(max_length=80)
    loaded_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="tool_name_per_workspace")]

    def __str__(self) -> str:
        return self.name

    @property
    def definition(self) -> dict[str, Any]:
        return json.loads(self.definition_text)  # type: ignore[no-any-return]

    @property
    def goes_to(self) -> str:
        """Which system its requests go to now."""
        return f"{self.connection_id}:{self.connection.system}"

    def read(self, redact: Mapping[str, str]) -> Definition:
        """The definition with what policy redacts of its values, and where it reaches."""
        return Definition(self.definition, redact, self.connection.slug)


class Plan(models.Model):
    """Steps submitted, checked and shown as a whole; run in order; stopped at the first that does not succeed (F-07)."""

    id = models.CharField(primary_key=True, max_length=40, default=new_plan_id, editable=False)
    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="plans")
    submitted_at = models.DateTimeField()
    stopped_at_step = models.PositiveSmallIntegerField(null=True)
    # The stopped plan whose unfinished steps this one tries again; a plan is resumed once, its successor once more.
    resumes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="resumed_as")

    def __str__(self) -> str:
        return self.id


class Bulk(models.Model):
    """A step of a plan over many records: consecutive actions, of which only the first `canary` run by themselves."""

    id = models.CharField(primary_key=True, max_length=40, default=new_bulk_id, editable=False)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="bulks")
    title = models.CharField(max_length=300)
    first_step = models.PositiveSmallIntegerField()
    size = models.PositiveSmallIntegerField()
    canary = models.PositiveSmallIntegerField()
    # When a person had looked at the first ones and let the rest run.
    continued_at = models.DateTimeField(null=True)
    continued_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="continued_bulks")

    class Meta:
        ordering = ["plan_id", "first_step"]

    def __str__(self) -> str:
        return self.id


class Action(models.Model):
    """One tool call, from proposal to outcome. Only `actions.machine` changes `state`."""

    class RollbackState(models.TextChoices):
        ROLLED_BACK = "rolled_back"
        PARTLY = "partly_rolled_back"
        CONFLICT = "rollback_conflict"
        UNKNOWN = "rollback_unknown"

    id = models.CharField(primary_key=True, max_length=40, default=new_action_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="actions")
    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="actions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, related_name="actions")
    bulk = models.ForeignKey(Bulk, on_delete=models.PROTECT, null=True, related_name="items")
    step = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=300)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="actions")
    requester = models.ForeignKey(User, on_delete=models.PROTECT, related_name="actions")
    # The token it was proposed with: how far it reached, and which person showed themself by it (null: the agent named them).
    scopes = models.CharField(max_length=60, default=AGENT)
    person_token = models.ForeignKey(PersonToken, on_delete=models.PROTECT, null=True, related_name="actions")
    # The person acting in their own name (a rollback); null when the agent acts.
    acting_user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="own_actions")
    tool_name = models.CharField(max_length=120)
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, null=True, related_name="actions")
    tool_digest = models.CharField(max_length=80, blank=True)
    # RFC 8785 text: what was proposed, and what would run after refused fields were taken out.
    proposed_text = models.TextField()
    arguments_text = models.TextField()
    digest = models.CharField(max_length=80)
    state = models.CharField(max_length=20, choices=[(s.value, s.value) for s in State], default=State.PROPOSED)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    mode = models.CharField(max_length=10, blank=True)
    decision = models.JSONField(default=dict)
    # Fields the policy redacts beside those the tool declares sensitive: {field: kind}.
    redact = models.JSONField(default=dict)
    # Before-image read at proposal: {record_id, url, version, fields, read_at}; null where there is no target record.
    before = models.JSONField(null=True)
    changes = models.JSONField(default=list)
    nonce = models.CharField(max_length=32)
    # Set by people who edit: {field: [agent's value, person's value]}.
    edits = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    # What would take it back, worked out when it succeeded (actions.inverse); null before, and for reads.
    inverse = models.JSONField(null=True)
    detail = models.CharField(max_length=500, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    # What no longer held at dispatch, row by row: {what, approved, now, who, at}.
    drift = models.JSONField(default=list)
    # The action this one asks for again, after it drifted or its plan stopped.
    replan_of = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replanned_as")
    rollback_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="rollbacks")
    rollback_state = models.CharField(max_length=20, choices=RollbackState.choices, blank=True)
    # The span it was proposed in (W3C traceparent): what runs later, elsewhere, links to it. No decision reads it.
    traceparent = models.CharField(max_length=55, blank=True, default="")
    created_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True)
    # What left and where to, so that nothing but the same request to the same system is ever sent again (F-01).
    sent_digest = models.CharField(max_length=80, blank=True)
    sent_to = models.CharField(max_length=90, blank=True)
    resent_at = models.DateTimeField(null=True)
    unknown_at = models.DateTimeField(null=True)
    # When to find out again what became of it; null while nobody should (not unknown, or a person's turn).
    reconcile_at = models.DateTimeField(null=True)
    reconcile_tries = models.PositiveSmallIntegerField(default=0)
    # The epoch whose beginning put it in doubt: its intent may be a commit that was lost (F-05). Null for any other doubt.
    epoch = models.PositiveIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When its sensitive values were to go while it was under way, and when they went from this row (actions.erasure).
    erase_asked_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["trace_id", "step", "id"]
        indexes = [
            models.Index(
                fields=["id"],
                name="action_to_erase",
                condition=models.Q(erase_asked_at__isnull=False, erased_at=None),
            ),
            models.Index(
                fields=["state", "lease_until"],
                name="action_queue",
                condition=models.Q(state__in=["authorized", "claimed", "dispatching"]),
            ),
            models.Index(
                fields=["state", "reconcile_at"],
                name="action_in_doubt",
                condition=models.Q(state__in=["unknown", "needs_human"]),
            ),
            models.Index(fields=["workspace", "-created_at"], name="action_workspace_newest"),
            models.Index(fields=["workspace", "agent", "-created_at"], name="action_agent_newest"),
            models.Index(F("workspace"), STANDS, F("created_at").desc(), name="action_stands_newest"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def definition(self) -> Definition | None:
        """The tool's definition, with what policy redacted when this was proposed; None for an unknown tool."""
        return self.tool.read(self.redact) if self.tool else None

    @property
    def goes_to(self) -> str:
        """Which system a request of this action would go to now; an action that may run has a tool."""
        return self.tool.goes_to if self.tool else ""

    @property
    def is_the_agents(self) -> bool:
        """Whether the agent has it to do itself and has not reported yet."""
        definition = self.definition if self.state == State.DISPATCHING else None
        return definition is not None and definition.by_agent

    @property
    def in_doubt(self) -> bool:
        """Whether it may have taken effect and nobody knows yet."""
        return self.state in IN_DOUBT

    @property
    def arguments(self) -> dict[str, Any]:
        """What would run."""
        return json.loads(self.arguments_text)  # type: ignore[no-any-return]

    @property
    def proposed(self) -> dict[str, Any]:
        """What the agent asked for."""
        return json.loads(self.proposed_text)  # type: ignore[no-any-return]


class IdempotencyKey(models.Model):
    """A client's key for one request of one agent: same key, same bytes, same answer; kept as long as what it recorded.

    The answer goes when values of what it tells are erased; whoever asks again is then told how that stands.
    """

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="idempotency_keys")
    route = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=80)
    resource = models.CharField(max_length=40, blank=True)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "route", "key"], name="idempotency_key_per_agent_route")
        ]
        indexes = [
            models.Index(fields=["resource"], condition=models.Q(resource__gt=""), name="idempotency_key_resource")
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
