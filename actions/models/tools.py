"""The definitions a tool was given, and who let each come into force (R-22, Z-02)."""

import json
from typing import Any

from django.db import models

from actions.models.calls import Connection, Tool
from actions.offers import Offer


class Listing(models.Model):
    """What a connection's system offers as tools, as last read: all of it the system's words. An import takes from it alone."""

    connection = models.OneToOneField(Connection, on_delete=models.PROTECT, related_name="listing")
    # JSON: a list of offers (actions.offers.Offer).
    offers_text = models.TextField()
    digest = models.CharField(max_length=80)
    # What already imported tools no longer agree with, a sentence each.
    moved = models.JSONField(default=list)
    taken_at = models.DateTimeField()
    # Ledger form of the person or part of Remit: {kind, id, name}.
    taken_by = models.JSONField()
    # Of an OpenAPI document: its title, version, servers and digest, in its own words; empty for a server that was asked.
    source = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.digest}"

    @property
    def offers(self) -> list[Offer]:
        return [Offer(**one) for one in json.loads(self.offers_text)]


class ToolVersion(models.Model):
    """One definition of a tool. While one waits, the tool is blocked: nobody has said yet that it is still the same tool."""

    class State(models.TextChoices):
        WAITING = "waiting"
        IN_FORCE = "in_force"
        REPLACED = "replaced"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, related_name="versions")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    definition_text = models.TextField()
    digest = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=State.choices)
    loaded_at = models.DateTimeField()
    # Ledger form of the person or part of Remit: {kind, id, name}.
    loaded_by = models.JSONField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-loaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tool"], condition=models.Q(state="waiting"), name="tool_one_waiting_definition"
            ),
            models.UniqueConstraint(
                fields=["tool"], condition=models.Q(state="in_force"), name="tool_one_definition_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_id} {self.digest}"

    @property
    def definition(self) -> dict[str, Any]:
        return json.loads(self.definition_text)  # type: ignore[no-any-return]
