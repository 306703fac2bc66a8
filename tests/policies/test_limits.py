"""Limits are exact under concurrency: a budget of 10 is spent 10 times by 100 parallel requests (A-02)."""

import threading

import pytest
from django.db import connection, connections, transaction

from accounts.actors import system_actor
from accounts.models import Workspace
from accounts.services import create_workspace
from policies.engine.types import Hold
from policies.limits import lock_counters, release, replace_holds, reserve, settle, usage
from policies.models import LimitHold

BUDGET, REQUESTS, WORKERS = 10, 100, 8
KEY, POLICY = "mail.daily:agent:x", "support"


@pytest.fixture
def workspace(transactional_db) -> Workspace:
    return create_workspace(actor=system_actor("tests", ""), slug="limits", name="Limits", environment="sandbox")


def take(workspace_id: str, action_id: str) -> bool:
    """One request: read usage under the lock, and hold one if it still fits."""
    with transaction.atomic():
        lock_counters(workspace_id, [KEY])
        if usage(workspace_id, POLICY, {KEY: 3600}, action_id=action_id)[KEY] + 1 > BUDGET:
            return False
        reserve(workspace_id=workspace_id, policy=POLICY, action_id=action_id, holds=[Hold(KEY, "mail.daily", 1, 3600)])
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
    assert usage(workspace.pk, POLICY, {KEY: 3600}, action_id="act_c") == {KEY: 1}


def held(workspace, policy: str) -> int:
    return usage(workspace.pk, policy, {KEY: 3600}, action_id="act_other")[KEY]


def test_two_policies_with_one_rule_id_do_not_share_a_budget(workspace):
    assert take(workspace.pk, "act_a")
    reserve(workspace_id=workspace.pk, policy="night", action_id="act_b", holds=[Hold(KEY, "mail.daily", 5, 3600)])
    assert (held(workspace, POLICY), held(workspace, "night"), held(workspace, "third")) == (1, 5, 0)
    replace_holds(
        workspace_id=workspace.pk, policy="night", action_id="act_b", holds=[Hold(KEY, "mail.daily", 7, 3600)]
    )
    assert (held(workspace, POLICY), held(workspace, "night")) == (1, 7)


def test_a_hold_from_before_the_policy_column_counts_in_every_policy(workspace):
    """Written as the release before writes: without the column, so that the database's own default stands."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO policies_limithold (workspace_id, key, "limit", action_id, amount, state, at)'
            " VALUES (%s, %s, 'mail.daily', 'act_old', 4, 'settled', clock_timestamp())",
            [workspace.pk, KEY],
        )
    assert (held(workspace, POLICY), held(workspace, "night")) == (4, 4)
