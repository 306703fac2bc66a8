"""A credential that is not had, or is not what was asked for; and what happens while one is asked for (F14, F16)."""

import os
import time
from itertools import cycle, islice

import pytest
import yaml

from accounts.models import Agent
from accounts.services import set_agent_state
from actions.models import Action
from actions.switches import hold
from actions.tasks import run_action
from actions.tools import load_tools
from approvals.models import ApprovalRequest
from tests.builders import publish, vote
from tests.faults.campaign import authorized, come_to_rest, in_a_process, verdict
from tests.remote.running import shop_policy, sign_in_by, tools_text
from tests.remote.tokens import MINTS
from traces.ledger import verify
from traces.models import Entry

ASKED = {"kind": "client_credentials", "revoke_path": "/oauth/revoke"}


@pytest.fixture
def signed(shop, remote):
    """The shop, signed in by a token for each attempt."""
    sign_in_by(shop, remote, ASKED)
    yield shop
    remote.tokens()


@pytest.mark.parametrize("klass", "abc")
def test_f14_without_the_credential_that_was_asked_for_nothing_is_sent(signed, remote, klass, count):
    before, actions = len(remote.truth()["tokens"]), [authorized(signed, klass) for _ in range(max(count, len(MINTS)))]
    kinds = tuple(islice(cycle(MINTS), len(actions)))
    remote.tokens(kinds)
    for action in actions:
        run_action(action.pk)
    come_to_rest(actions)
    found, given = verdict(actions, remote), remote.truth()["tokens"][before:]
    print(f"credential not as asked, class {klass}: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == ()
    # Dead on arrival: the request left and was turned away, which is proof of no effect. All others never left.
    dead = kinds.count("dead")
    assert found.states == {f"{klass}:failed": dead, f"{klass}:blocked": len(actions) - dead}
    wider = [row for row in given if "orders:admin" in row["scope"]]
    assert len(wider) == kinds.count("wider") and all(row["revoked"] and not row["uses"] for row in wider)


def tightened(cast, action) -> None:
    plain = shop_policy()
    plain["roles"]["refunds"]["tools"][action.tool_name] = {"mode": "off"}
    publish(cast, plain)


def another_tool(cast, action) -> None:
    data = yaml.safe_load(tools_text())
    next(tool for tool in data["tools"] if tool["name"] == action.tool_name)["description"] = "Orders two things."
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=yaml.safe_dump(data))


def agent_disabled(cast, action) -> None:
    set_agent_state(actor=cast.actor("dana"), agent=cast.agent, state=Agent.State.DISABLED)


def person_gone(cast, action) -> None:
    type(action.requester).objects.filter(pk=action.requester_id).update(is_active=False)


def paused(cast, action) -> None:
    hold(actor=cast.actor("priya"), workspace=cast.northwind, scope="workspace", target="", reason="A long reason.")


def while_the_credential_is_asked_for(cast, remote, action, cause, state="claimed") -> Action:
    """A worker is at it, its token is on the way, and just then something else is committed."""
    remote.tokens(held=True)
    before = remote.truth()["tokens_asked"]
    worker = in_a_process(lambda: run_action(action.pk))
    until = time.monotonic() + 20
    while remote.truth()["tokens_asked"] == before:
        assert time.monotonic() < until, "No credential was asked for."
        time.sleep(0.02)
    cause(cast, action)
    assert Action.objects.get(pk=action.pk).state == state, "It was committed before anything was sent."
    remote.tokens()
    os.waitpid(worker, 0)
    return Action.objects.get(pk=action.pk)


@pytest.mark.parametrize("cause", [tightened, agent_disabled, person_gone])
def test_f16_what_is_committed_before_the_intent_blocks_it(signed, remote, settings, cause, count):
    settings.REMIT_LEASE_S = 60
    for _ in range(max(count // 4, 1)):
        found = while_the_credential_is_asked_for(signed, remote, authorized(signed, "b"), cause)
        assert (found.state, remote.effects(found.pk)) == ("blocked", 0)
        types = list(Entry.objects.filter(trace=found.trace).values_list("type", flat=True))
        assert "action.dispatching" not in types and types[-1] == "credential.revoked" and verify(found.trace).ok
        publish(signed, shop_policy())
        set_agent_state(actor=signed.actor("dana"), agent=signed.agent, state=Agent.State.ACTIVE)
        type(found.requester).objects.filter(pk=found.requester_id).update(is_active=True)


@pytest.mark.parametrize("cause", [paused, another_tool])
def test_f16_a_pause_or_a_changed_tool_before_the_intent_holds_it(signed, remote, settings, cause):
    settings.REMIT_LEASE_S = 60
    found = while_the_credential_is_asked_for(signed, remote, authorized(signed, "b"), cause)
    assert (found.state, remote.effects(found.pk)) == ("authorized", 0)


def test_f16_an_approver_who_is_gone_before_the_intent_approved_nothing(signed, remote, settings):
    settings.REMIT_LEASE_S = 60
    plain = shop_policy()
    plain["roles"]["refunds"]["tools"]["shop.order.b"] = {"mode": "approval", "route": "account"}
    publish(signed, plain)
    waiting = authorized(signed, "b", state="pending")
    vote(signed, ApprovalRequest.objects.get(action_id=waiting.pk), "priya")

    def approver_gone(cast, action) -> None:
        type(cast.user("priya")).objects.filter(pk=cast.user("priya").pk).update(is_active=False)

    found = while_the_credential_is_asked_for(signed, remote, Action.objects.get(pk=waiting.pk), approver_gone)
    assert (found.state, remote.effects(found.pk)) == ("blocked", 0)


@pytest.mark.parametrize("cause", [tightened, another_tool, agent_disabled, paused])
def test_f16_what_is_committed_before_the_same_request_again_stops_it(signed, remote, settings, cause):
    settings.REMIT_LEASE_S = 60
    action = authorized(signed, "a")
    remote.fault("reset_before")
    run_action(action.pk)
    Action.objects.filter(pk=action.pk).update(reconcile_at=None)
    found = while_the_credential_is_asked_for(signed, remote, action, cause, "unknown")
    assert (found.state, remote.effects(found.pk)) == ("unknown", 0)
    assert Entry.objects.filter(trace=found.trace, type="action.reconcile_undecided").count() == 1
