"""Limits are exact under concurrency: a budget of 10 is spent 10 times by 100 parallel requests (A-02)."""

import threading

import pytest
from django.db import connections, transaction

from accounts.actors import system_actor
from accounts.models import Workspace
from accounts.services import create_workspace
from policies.engine.types import Hold
from policies.limits import lock_counters, release, reserve, settle, usage
from policies.models import LimitHold

BUDGET, REQUESTS, WORKERS = 10, 100, 8
KEY = "mail.daily:agent:x"


@pytest.fixture
def workspace(transactional_db) -> Workspace:
    return create_workspace(actor=system_actor("tests", ""), slug="limits", name="Limits", environment="sandbox")


def take(workspace_id: str, action_id: str) -> bool:
    """One request: read usage under the lock, and hold one if it still fits."""
    with transaction.atomic():
        lock_counters(workspace_id, [KEY])
        if usage(workspace_id, {KEY: 3600}, action_id=action_id)[KEY] + 1 > BUDGET:
            return False
        reserve(workspace_id=workspace_id, action_id=action_id, holds=[Hold(KEY, "mail.daily", 1, 3600)])
        return True


def test_a02_parallel_requests_reserve_exactly_the_budget(workspace):
    taken, numbers, lock = [], iter(range(REQUESTS)), threading.Lock()

    def work():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            taken.append(take(workspace.pk, f"act_{number}"))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken), LimitHold.objects.count()) == (REQUESTS, BUDGET, BUDGET)


def test_released_amounts_are_free_again_and_settled_ones_are_not(workspace):
    assert take(workspace.pk, "act_a") and take(workspace.pk, "act_b")
    settle(action_id="act_a")
    release(action_id="act_a")
    release(action_id="act_b")
    assert usage(workspace.pk, {KEY: 3600}, action_id="act_c") == {KEY: 1}
