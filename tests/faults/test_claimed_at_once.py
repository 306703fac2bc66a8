"""Where no system is asked before the intent, the claim is written with it: one transaction, one last look (P2, P4, P9)."""

import json

from django.db import connection, transaction

from actions.models import Action, Connection, KillSwitch
from actions.states import State
from actions.switches import let_go
from actions.tasks import run_action
from tests.builders import publish
from tests.faults.campaign import authorized
from tests.faults.test_credentials import ASKED, another_tool, paused
from tests.faults.test_last_look import begun, until
from tests.faults.test_revocations import waiting
from tests.remote.running import shop_policy, sign_in_by
from traces.checkpoints.clock import tick
from traces.ledger import held_trace, verify
from traces.models import Entry

CLAIM, MINTED, INTENT = "action.claimed", "credential.minted", "action.dispatching"


def written(action: Action) -> list[tuple[str, str]]:
    """The entries since the decision, each with the transaction that wrote it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, xmin::text FROM traces_entry WHERE trace_id = %s ORDER BY seq", [action.trace_id])
        found = cursor.fetchall()
    begins = [kind for kind, _ in found].index("action.decided") + 1
    return found[begins:]


def kinds(action: Action) -> list[str]:
    return [kind for kind, _ in written(action)]


def test_p2_claim_and_intent_are_one_transaction(shop, remote):
    tick()
    action = authorized(shop, "a")
    run_action(action.pk)
    claim, minted, intent, outcome = written(action)
    assert [claim[0], minted[0], intent[0], outcome[0]] == [CLAIM, MINTED, INTENT, "action.succeeded"]
    assert claim[1] == minted[1] == intent[1] != outcome[1]
    entries = Entry.objects.filter(trace_id=action.trace_id, type__in=[CLAIM, INTENT])
    assert [json.loads(entry.canonical)["body"]["fence"] for entry in entries] == [1, 1]
    assert Action.objects.get(pk=action.pk).fence == 1
    assert verify(action.trace).ok


def test_p8_what_asks_for_a_credential_is_claimed_before(shop, remote):
    sign_in_by(shop, remote, ASKED)
    tick()
    action = authorized(shop, "a")
    run_action(action.pk)
    wrote = dict(reversed(written(action)))
    assert wrote[CLAIM] != wrote[MINTED] != wrote[INTENT] and Action.objects.get(pk=action.pk).state == State.SUCCEEDED


def test_p9_what_is_paused_is_not_claimed_and_runs_later(shop, remote):
    tick()
    action = authorized(shop, "a")
    paused(shop, action)
    for _ in range(2):
        run_action(action.pk)
    found = Action.objects.get(pk=action.pk)
    assert (found.state, found.fence, kinds(action)) == (State.AUTHORIZED, 0, [])
    let_go(actor=shop.actor("priya"), switch=KillSwitch.objects.get(), reason="Looked at it, amounts are right.")
    run_action(action.pk)
    assert Action.objects.get(pk=action.pk).state == State.SUCCEEDED and remote.effects(action.pk) == 1


def test_p4_what_policy_no_longer_allows_is_claimed_and_blocked(shop, remote):
    tick()
    action = authorized(shop, "a")
    plain = shop_policy()
    plain["roles"]["refunds"]["tools"]["shop.order.a"] = {"mode": "off"}
    publish(shop, plain)
    run_action(action.pk)
    assert Action.objects.get(pk=action.pk).state == State.BLOCKED
    assert kinds(action) == [CLAIM, "action.blocked"] and remote.effects(action.pk) == 0


def test_r22_a_tool_that_changed_holds_what_is_not_claimed(shop, remote):
    tick()
    action = authorized(shop, "a")
    another_tool(shop, action)
    run_action(action.pk)
    assert Action.objects.get(pk=action.pk).state == State.AUTHORIZED
    assert kinds(action) == [] and remote.effects(action.pk) == 0


def test_p5_what_cannot_be_sent_is_claimed_and_blocked(shop, remote):
    tick()
    action = authorized(shop, "a")
    Connection.objects.filter(slug="shop").update(sealed_secret="sealed by another key")
    run_action(action.pk)
    found = Action.objects.get(pk=action.pk)
    assert found.state == State.BLOCKED and "has a key this installation does not have" in found.detail
    assert kinds(action) == [CLAIM, "action.blocked"] and remote.effects(action.pk) == 0


def test_p2_of_two_workers_one_claims(shop, remote):
    """Both looked and wait for the trace. The second one finds it claimed: it writes nothing and sends nothing."""
    tick()
    action = authorized(shop, "a")
    with transaction.atomic():
        held_trace(action.trace_id)
        workers = [begun(lambda: run_action(action.pk)) for _ in range(2)]
        until(lambda: waiting("FOR UPDATE", 2), "Both workers should wait for the trace.")
    for worker in workers:
        worker.join()
    assert kinds(action) == [CLAIM, MINTED, INTENT, "action.succeeded"]
    assert remote.effects(action.pk) == 1 and verify(action.trace).ok
