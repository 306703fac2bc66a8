"""What an agent asked for without a key of its own, so that asking again finds the same action."""

from django.db import models

from accounts.models import Agent
from actions.models.calls import Action


class Handover(models.Model):
    """One action and whether its outcome was handed to the agent. `fingerprint` is of person, tool and canonical arguments."""

    action = models.OneToOneField(Action, on_delete=models.PROTECT, related_name="handover")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="handovers")
    fingerprint = models.CharField(max_length=80)
    # The client's own id of the call, where it sends one; two ids say that two calls are meant.
    call_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["agent", "fingerprint", "-created_at"], name="handover_newest")]
        constraints = [
            # INVARIANT: one open ask a fingerprint, so a replay cannot open a second approval.
            # Held by tests/actions/test_again.py.
            models.UniqueConstraint(
                fields=["agent", "fingerprint"], condition=models.Q(used_at=None), name="handover_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action_id} {'used' if self.used_at else 'open'}"
