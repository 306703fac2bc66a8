"""A pause, a publication, a changed tool or the end of a right while an intent is being written: one is first (P4, P9, F16)."""

import os
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.clock import database_now
from accounts.held import govern, hold_governed
from accounts.models import Delegation, Group
from accounts.permissions import Role
from accounts.scopes import EVERYTHING
from accounts.services import add_member, leave_group, remove_member
from accounts.single import turn_off, turn_on
from actions.models import Action
from actions.propose import Place, prepare, record_proposal
from actions.switches import hold, let_go, open_switches
from actions.tasks import run_action
from approvals.delegations import name_delegate, revoke_delegation
from approvals.models import ApprovalRequest
from tests.approvals.routing import hired, left_alone
from tests.builders import opened, publish, vote
from tests.faults.campaign import authorized, in_a_process
from tests.faults.test_credentials import ASKED, another_tool
from tests.faults.test_last_look import begun, until
from tests.faults.test_revocations import waiting
from tests.remote.running import shop_policy, sign_in_by
from traces.checkpoints.clock import tick
from traces.ledger import verify

TOOL = "shop.order.b"


@pytest.fixture
def signed(shop, remote, settings):
    settings.REMIT_LEASE_S = 60
    sign_in_by(shop, remote, ASKED)
    yield shop
    remote.tokens()


def pause(cast, scope: str, target: str = "") -> None:
    home = None if scope == "everything" else cast.northwind
    hold(actor=cast.actor("dana"), workspace=home, scope=scope, target=target, reason="Stop it now, please.")


def tightened(cast) -> None:
    plain = shop_policy()
    plain["roles"]["refunds"]["tools"][TOOL] = {"mode": "off"}
    publish(cast, plain)


GOVERNED = {
    "everything paused": lambda cast: pause(cast, "everything"),
    "workspace paused": lambda cast: pause(cast, "workspace"),
    "agent paused": lambda cast: pause(cast, "agent", cast.agent.pk),
    "tool paused": lambda cast: pause(cast, "tool", TOOL),
    "policy published": tightened,
    "tool changed": lambda cast: another_tool(cast, Action.objects.get()),
}


@pytest.mark.parametrize("what", GOVERNED)
def test_p9_what_governs_is_changed_before_an_intent_or_after_it(signed, remote, what):
    tick()
    found = authorized(signed, "b")
    comes_second(signed, remote, found, lambda: GOVERNED[what](signed), waits_for="pg_advisory_xact_lock(")
    for switch in open_switches():
        let_go(actor=signed.actor("dana"), switch=switch, reason="The test is over.")


def comes_second(cast, remote, found: Action, change, *, waits_for: str) -> None:
    """The worker looked for the last time and is about to write its intent: the change waits for it."""
    remote.tokens(held=True)
    before = remote.truth()["tokens_asked"]
    worker = in_a_process(lambda: run_action(found.pk))
    until(lambda: remote.truth()["tokens_asked"] > before, "No credential was asked for.")
    over = threading.Event()
    with transaction.atomic():
        Action.objects.select_for_update(of=("self",), no_key=True).get(pk=found.pk)
        remote.tokens()
        until(lambda: waiting("actions_action"), "The worker did not come to its intent.")
        changer = begun(lambda: (change(), over.set()))
        until(lambda: over.is_set() or waiting(waits_for), "The change neither waited nor ended.")
        assert not over.is_set(), "It was committed between the last look and the intent."
    os.waitpid(worker, 0)
    changer.join()
    found.refresh_from_db()
    assert over.is_set() and found.state == "succeeded" and remote.effects(found.pk) == 1 and verify(found.trace).ok


def approved(cast, group: str, voter: str, asker: str = "maya") -> Action:
    """An action that one person of a group approved."""
    plain = shop_policy()
    plain["roles"]["refunds"]["tools"][TOOL] = {"mode": "approval", "route": "account"}
    plain["routes"]["account"]["steps"] = [{"name": "Somebody", "group": group}]
    publish(cast, plain)
    trace = opened(cast, asker=asker)
    prepared = prepare(agent=cast.agent, name=TOOL, arguments={"item": "tea", "amount": 1}, effects=EVERYTHING)
    made = record_proposal(actor=cast.agent_actor, place=Place(trace, cast.agent, trace.asker, 1), prepared=prepared)
    vote(cast, ApprovalRequest.objects.get(action_id=made.pk), voter)
    made.refresh_from_db()
    assert made.state == "authorized", made.detail
    return made


def stands_in(cast) -> Action:
    """Vera, of no group, stands in for Tomás of Finance and approves."""
    hired(cast, "vera")
    now = database_now()
    name_delegate(
        actor=cast.actor("tomas"), user=cast.user("tomas"), workspace=cast.northwind, delegate=cast.user("vera").email,
        starts_at=now, ends_at=now + timedelta(days=3),
    )  # fmt: skip
    return approved(cast, "finance", "vera")


def taken_back(cast) -> None:
    revoke_delegation(actor=cast.actor("tomas"), user=cast.user("tomas"), delegation=Delegation.objects.get())


def left(cast) -> None:
    group = Group.objects.get(slug="finance", workspace=cast.northwind)
    leave_group(actor=cast.actor("dana"), group=group, user=cast.user("tomas"))


def no_reviewer(cast) -> None:
    remove_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("tomas"), role=Role.REVIEWER)


@pytest.mark.parametrize(
    ("change", "table"),
    [(taken_back, "accounts_delegation"), (left, "accounts_group"), (no_reviewer, "accounts_membership")],
)
def test_p4_the_right_somebody_stands_in_for_is_taken_away_before_an_intent_or_after_it(signed, remote, change, table):
    tick()
    found = stands_in(signed)
    comes_second(signed, remote, found, lambda: change(signed), waits_for=table)


def off(cast) -> None:
    turn_off(actor=cast.actor("dana"), workspace=cast.northwind)


def joined(cast) -> None:
    add_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("maya"), role=Role.MEMBER)


@pytest.mark.parametrize("change", [off, joined])
def test_p4_single_operator_mode_ends_before_an_intent_or_after_it(signed, remote, change):
    left_alone(signed)
    turn_on(
        actor=signed.actor("dana"), user=signed.user("dana"), workspace=signed.northwind, reason="Nobody else is here."
    )
    tick()
    found = approved(signed, "support-leads", "dana", asker="dana")
    comes_second(signed, remote, found, lambda: change(signed), waits_for="accounts_singleoperator")


def test_a_verdict_under_a_delegation_waits_for_no_intent_that_rests_on_it(signed, remote):
    """An intent holds its trace and then the delegation, a verdict the delegation and then its trace: they share it."""
    tick()
    found = stands_in(signed)
    prepared = prepare(agent=signed.agent, name=TOOL, arguments={"item": "milk", "amount": 1}, effects=EVERYTHING)
    place = Place(found.trace, signed.agent, found.trace.asker, 2)
    second = record_proposal(actor=signed.agent_actor, place=place, prepared=prepared)
    request = ApprovalRequest.objects.get(action_id=second.pk)
    comes_second(signed, remote, found, lambda: vote(signed, request, "vera"), waits_for="traces_trace")
    second.refresh_from_db()
    assert second.state == "authorized"


def test_a_pause_of_one_workspace_waits_for_no_intent_of_another(shop):
    with transaction.atomic():
        hold_governed(shop.lakeside.pk)
        alone = begun(lambda: in_a_transaction(lambda: govern(shop.northwind.pk)))
        alone.join(10)
        everywhere = begun(lambda: in_a_transaction(lambda: govern(None)))
        until(lambda: waiting("pg_advisory_xact_lock("), "It waited for no intent.")
        assert not alone.is_alive() and everywhere.is_alive()
    everywhere.join(10)
    assert not everywhere.is_alive() and connection.in_atomic_block is False


def in_a_transaction(work) -> None:
    with transaction.atomic():
        work()
