"""Policies, their immutable versions, and what actions hold of limits."""

from django.db import models

from accounts.ids import new_id
from accounts.models import Workspace


def new_policy_id() -> str:
    return new_id("pol")


class Policy(models.Model):
    """A named policy of a workspace; its content is in versions."""

    id = models.CharField(primary_key=True, max_length=40, default=new_policy_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="policies")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["slug"]
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="policy_slug_per_workspace")]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One published document, content-addressed; never edited."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField()
    digest = models.CharField(max_length=80)
    message = models.CharField(max_length=500)
    published_by = models.JSONField()
    published_at = models.DateTimeField()
    is_live = models.BooleanField(default=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number_once"),
            models.UniqueConstraint(
                fields=["policy"], condition=models.Q(is_live=True), name="policy_one_live_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy.slug} v{self.number}"


class LimitHold(models.Model):
    """An amount reserved at the decision, settled at the outcome or released (A-02)."""

    class State(models.TextChoices):
        RESERVED = "reserved"
        SETTLED = "settled"
        RELEASED = "released"

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="limit_holds")
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
