"""Receives the one upward message: an approval was settled."""

from typing import Any

from django.dispatch import receiver

from actions.services import apply_verdict
from approvals.signals import verdict_recorded


@receiver(verdict_recorded, dispatch_uid="actions.apply_verdict")
def on_verdict(sender: Any, request_id: str, **_: Any) -> None:
    """Move the action on. If this process dies before, the sweeper does it."""
    apply_verdict(request_id=request_id)
