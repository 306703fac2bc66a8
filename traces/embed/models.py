"""Links that open one trace for the person it is for, and the origins that a workspace lets frame them."""

from django.db import models

from accounts.ids import new_id
from accounts.models import User, Workspace
from traces.models import Trace


def new_link_id() -> str:
    return new_id("lnk")


def new_origin_id() -> str:
    return new_id("org")


class ShownLink(models.Model):
    """One signed link: one trace, one person, until one instant. The link itself is not stored; its signature is made again."""

    id = models.CharField(primary_key=True, max_length=40, default=new_link_id, editable=False)
    trace = models.ForeignKey(Trace, on_delete=models.PROTECT, related_name="links")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="shown_links")
    issued_by = models.JSONField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    # The rate it is opened at: so often since then.
    turns = models.PositiveSmallIntegerField(default=0)
    turns_since = models.DateTimeField()
    answers = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-issued_at", "-id"]
        indexes = [
            models.Index(fields=["trace", "expires_at"], name="link_living", condition=models.Q(revoked_at=None)),
        ]

    def __str__(self) -> str:
        return self.id


class FrameOrigin(models.Model):
    """An origin whose pages may frame what links of a workspace open."""

    id = models.CharField(primary_key=True, max_length=40, default=new_origin_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="frame_origins")
    origin = models.CharField(max_length=270)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["origin"]
        constraints = [models.UniqueConstraint(fields=["workspace", "origin"], name="frame_origin_once")]

    def __str__(self) -> str:
        return self.origin
