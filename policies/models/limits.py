"""What actions hold of limits."""

from django.db import models

from accounts.models import Workspace
from policies.models.policy import ShadowVersion


class LimitHold(models.Model):
    """An amount reserved at the decision, settled at the outcome or released (A-02)."""

    class State(models.TextChoices):
        RESERVED = "reserved"
        SETTLED = "settled"
        RELEASED = "released"

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="limit_holds")
    # Two policies with one rule id do not share a budget. "" in rows older than this column: those count in every policy.
    policy = models.CharField(max_length=60, default="", db_default="", blank=True)
    key = models.CharField(max_length=200)
    limit = models.CharField(max_length=100)
    action_id = models.CharField(max_length=40)
    amount = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.RESERVED)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action_id", "key"], name="limit_hold_once_per_action")]
        indexes = [models.Index(fields=["workspace", "key", "at"], name="limit_hold_window")]

    def __str__(self) -> str:
        return f"{self.key} {self.amount} {self.state}"


class ShadowHold(models.Model):
    """What an action would hold of a shadow's limit. Nothing is held by it: only the shadow counts it."""

    shadow = models.ForeignKey(ShadowVersion, on_delete=models.CASCADE, related_name="holds")
    key = models.CharField(max_length=200)
    action_id = models.CharField(max_length=40)
    amount = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shadow", "key", "action_id"], name="shadow_hold_once_per_action")
        ]
        indexes = [models.Index(fields=["shadow", "key", "at"], name="shadow_hold_window")]

    def __str__(self) -> str:
        return f"{self.key} {self.amount}"
