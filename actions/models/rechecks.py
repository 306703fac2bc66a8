"""Automatic actions chosen by lot, for a person to look at again."""

from django.db import models

from accounts.ids import new_id
from accounts.models import User
from actions.models.calls import Action


def new_recheck_id() -> str:
    return new_id("rck")


class Recheck(models.Model):
    """One automatic action to be looked at again after the fact, and what somebody found."""

    class State(models.TextChoices):
        OPEN = "open"
        FINE = "fine"
        NOT_FINE = "not_fine"

    id = models.CharField(primary_key=True, max_length=40, default=new_recheck_id, editable=False)
    action = models.OneToOneField(Action, on_delete=models.PROTECT, related_name="recheck")
    selected_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="rechecks")
    at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["selected_at", "id"]
        indexes = [models.Index(fields=["state", "selected_at"], name="recheck_open_oldest")]

    def __str__(self) -> str:
        return f"{self.action_id} {self.state}"
