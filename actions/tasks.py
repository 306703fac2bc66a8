"""The worker's one task. It trusts nothing in a message: it takes an id, reloads the row and calls one service (R-02)."""

import logging

from celery import shared_task

from accounts.actors import system_actor
from accounts.ids import is_id
from actions.doorbell import TASK
from actions.models import Action
from actions.services import run_and_advance

logger = logging.getLogger("remit.worker")


@shared_task(name=TASK, max_retries=0)
def run_action(action_id: str) -> None:
    """Run one action if its row says so. An id that is not an action's is ignored and logged."""
    known = isinstance(action_id, str) and is_id("act", action_id)
    workspace_id = Action.objects.filter(pk=action_id).values_list("workspace_id", flat=True).first() if known else None
    if workspace_id is None:
        logger.warning("A message named no action; it was ignored.")
        return
    run_and_advance(actor=system_actor("worker", workspace_id), action_id=action_id)
