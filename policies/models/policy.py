"""A policy, its immutable versions, its one draft and what runs in its shadow."""

from django.db import models

from accounts.ids import new_id
from accounts.models import User, Workspace


def new_policy_id() -> str:
    return new_id("pol")


def new_draft_id() -> str:
    return new_id("drf")


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
    """One published document, content-addressed. Only `is_live` ever changes: a trigger refuses the rest."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField()
    digest = models.CharField(max_length=80)
    message = models.CharField(max_length=500)
    # Ledger form of the person or part of Remit: {kind, id, name}.
    published_by = models.JSONField()
    # The second policy admin where the version loosens; null where one person sufficed.
    approved_by = models.JSONField(null=True)
    # The semantic verdict against the version it replaced: tightens, loosens, mixed, same or first.
    verdict = models.CharField(max_length=10, blank=True)
    # Waivers of the ship gate in force at publication, as in the document.
    waived = models.JSONField(default=list)
    # The number of the version whose content this one brings back.
    reverts = models.PositiveIntegerField(null=True)
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


class PolicyDraft(models.Model):
    """The one open draft of a policy, shared by its admins. `revision` counts its saves."""

    class State(models.TextChoices):
        OPEN = "open"
        # Asked to be published; a second policy admin has to agree because it loosens.
        PROPOSED = "proposed"
        SCHEDULED = "scheduled"
        PUBLISHED = "published"
        DISCARDED = "discarded"

    id = models.CharField(primary_key=True, max_length=40, default=new_draft_id, editable=False)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="drafts")
    base = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="drafts")
    source = models.TextField()
    digest = models.CharField(max_length=80)
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    # Why it was opened, where a suggestion opened it: {kind, sentence, evidence}.
    evidence = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="policy_drafts")
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    # The waivers of `source` whose grantor was proven when it was saved, word for word.
    granted = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    message = models.CharField(max_length=500, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    reverts = models.PositiveIntegerField(null=True)
    # Set when it is proposed, agreed to or scheduled; cleared by every edit.
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    effective_at = models.DateTimeField(null=True)
    # What a scheduled publication was refused for when its time came.
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy"],
                condition=models.Q(state__in=["open", "proposed", "scheduled"]),
                name="policy_one_open_draft",
            )
        ]

    def __str__(self) -> str:
        return self.id


class ShadowVersion(models.Model):
    """A document that runs beside the live one and decides nothing. `ended_at` is null while it runs."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="shadows")
    source = models.TextField()
    digest = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    started_by = models.JSONField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy"], condition=models.Q(ended_at=None), name="policy_one_running_shadow"
            )
        ]

    def __str__(self) -> str:
        return self.name
