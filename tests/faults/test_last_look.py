"""Nothing waits between the last look and the intent: what is committed while a limit's lock is waited for counts (P9, R-26)."""

import os
import threading
import time

import pytest
from django.db import connection, transaction

from accounts.services import revoke_agent_token
from actions.models import Action
from actions.tasks import run_action
from policies.limits import lock_counters
from policies.models import LimitHold
from tests.builders import publish
from tests.faults.campaign import authorized, come_to_rest, in_a_process, verdict
from tests.faults.test_credentials import ASKED, agent_disabled, paused, person_gone
from tests.remote.running import shop_policy, sign_in_by
from traces.ledger import verify
from traces.models import Entry

LIMIT = {
    "id": "shop.daily", "name": "Orders a day", "when": {"tools": ["shop.order.a", "shop.order.b"]}, "kind": "rate",
    "per": "agent", "max": 500, "window": "1d", "over": "deny",
}  # fmt: skip


def limited() -> dict:
    plain = shop_policy()
    return plain | {"limits": [*plain["limits"], LIMIT]}


@pytest.fixture
def counted(shop, remote, settings):
    """The shop with a limit, and time enough to wait for its lock."""
    settings.REMIT_LEASE_S = 60
    sign_in_by(shop, remote, ASKED)
    publish(shop, limited())
    yield shop
    remote.tokens()


def until(found, sentence: str) -> None:
    ends = time.monotonic() + 20
    while not found():
        assert time.monotonic() < ends, sentence
        time.sleep(0.02)


def waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def begun(work) -> threading.Thread:
    """In a session of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def elsewhere(work) -> None:
    """In a session of its own, committed when this returns."""
    begun(work).join()


def while_the_lock_is_waited_for(cast, remote, action, cause) -> Action:
    """The worker has its credential and waits for a limit that another transaction holds; just then something is committed."""
    remote.tokens(held=True)
    before = remote.truth()["tokens_asked"]
    worker = in_a_process(lambda: run_action(action.pk))
    until(lambda: remote.truth()["tokens_asked"] > before, "No credential was asked for.")
    with transaction.atomic():
        lock_counters(action.workspace_id, LimitHold.objects.filter(action_id=action.pk).values_list("key", flat=True))
        remote.tokens()
        until(waits, "It waited for no limit.")
        elsewhere(lambda: cause(cast, action))
    os.waitpid(worker, 0)
    return Action.objects.get(pk=action.pk)


def policy_tightened(cast, action) -> None:
    plain = limited()
    plain["roles"]["refunds"]["tools"][action.tool_name] = {"mode": "off"}
    publish(cast, plain)


def keys_revoked(cast, action) -> None:
    for credential in action.agent.credentials.filter(revoked_at=None):
        revoke_agent_token(actor=cast.actor("dana"), credential=credential)


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        (paused, "authorized"), (policy_tightened, "blocked"), (agent_disabled, "blocked"), (person_gone, "blocked"),
        (keys_revoked, "blocked"),
    ],
)  # fmt: skip
def test_p9_what_is_committed_while_a_limit_is_waited_for_stops_it(counted, remote, cause, state):
    found = while_the_lock_is_waited_for(counted, remote, authorized(counted, "b"), cause)
    assert (found.state, remote.effects(found.pk)) == (state, 0)


def test_p9_nor_is_the_same_request_sent_again(counted, remote):
    action = authorized(counted, "a")
    remote.fault("reset_before")
    run_action(action.pk)
    Action.objects.filter(pk=action.pk).update(reconcile_at=None)
    found = while_the_lock_is_waited_for(counted, remote, action, paused)
    assert (found.state, remote.effects(found.pk)) == ("unknown", 0)


def test_a_limit_that_is_only_waited_for_stops_nothing(counted, remote):
    found = while_the_lock_is_waited_for(counted, remote, authorized(counted, "b"), lambda *given: None)
    come_to_rest([found])
    assert verdict([found], remote).states == {"b:succeeded": 1}


@pytest.mark.parametrize(
    ("cause", "state"), [(paused, "authorized"), (policy_tightened, "blocked"), (agent_disabled, "blocked")]
)
def test_p9_a_call_under_the_connections_own_secret_is_looked_at_once_and_last(counted, remote, cause, state):
    """Nobody is asked for anything between the claim and the intent, so the last look is the only one."""
    sign_in_by(counted, remote, {"kind": "static"})
    action = authorized(counted, "b")
    with transaction.atomic():
        lock_counters(action.workspace_id, LimitHold.objects.filter(action_id=action.pk).values_list("key", flat=True))
        worker = begun(lambda: run_action(action.pk))
        until(waits, "It waited for no limit.")
        elsewhere(lambda: cause(counted, action))
    worker.join()
    found = Action.objects.get(pk=action.pk)
    assert (found.before, found.state, remote.effects(found.pk)) == (None, state, 0)
    types = list(Entry.objects.filter(trace=found.trace).values_list("type", flat=True))
    assert not {"credential.minted", "action.dispatching"} & set(types) and verify(found.trace).ok
