"""What may happen to a request beside a verdict. Imported by `approvals.models`, where they belong."""

from django.db import models

from accounts.models import User


class Question(models.Model):
    """A reviewer's question to the agent that asked: what is wrong with a request, and what came of it.

    A request is sent back once. What answers it is a request of its own, decided anew; the bytes that were questioned
    are never approved afterwards.
    """

    class Answer(models.TextChoices):
        REVISED = "revised"
        WITHDRAWN = "withdrawn"

    request = models.OneToOneField("approvals.ApprovalRequest", on_delete=models.PROTECT, related_name="question")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="questions")
    step = models.PositiveSmallIntegerField()
    text = models.TextField()
    # Of the payload that was questioned.
    digest = models.CharField(max_length=80)
    at = models.DateTimeField()
    # Empty while the agent has not answered, and where time ran out.
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    # The agent's action that answers it.
    answered_by = models.CharField(max_length=40, blank=True)
    answered_at = models.DateTimeField(null=True)
    # When policy denied an answer last; that uses the question up no more than silence does.
    denied_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.user_id} on {self.request_id}"


class Snooze(models.Model):
    """A request that one reviewer does not want to see until an instant. Hides it from that reviewer's own queue alone."""

    request = models.ForeignKey("approvals.ApprovalRequest", on_delete=models.PROTECT, related_name="snoozes")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="snoozes")
    at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "user"], name="snooze_one_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} not before {self.until:%H:%M}"
