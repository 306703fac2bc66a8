"""Kill switches: every scope holds before the next dispatch, loses nothing, and is released by a recorded act (P9)."""

import contextlib
import json
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.access import Forbidden, NotVisible
from actions.execution import recheck
from actions.models import Action, Connection, KillSwitch
from actions.services import call_tool
from actions.sweep import sweep
from actions.switches import SwitchRefused, hold, let_go, pause, release
from actions.tasks import run_action
from tests.actions.doubt import REFUND, find_out, in_doubt, its_time_comes
from tests.builders import action, opened, planned, request_of, vote, work
from traces.models import Entry, Trace

TOOL = "desk.refund.create"
WHY = "Amounts look wrong since noon."


def targets(cast) -> dict[str, str]:
    desk = Connection.objects.get(workspace=cast.northwind)
    return {"agent": cast.agent.pk, "tool": TOOL, "connection": desk.pk, "workspace": ""}


def paused(cast, scope: str) -> KillSwitch:
    if scope == "everything":
        return hold(actor=cast.actor("priya"), workspace=None, scope=scope, target="", reason=WHY)
    return pause(
        actor=cast.actor("priya"), user=cast.user("priya"), workspace=cast.northwind, scope=scope,
        target=targets(cast)[scope], reason=WHY,
    )  # fmt: skip


def released(cast, switch: KillSwitch) -> None:
    let_go(actor=cast.actor("priya"), switch=switch, reason="Looked at it, amounts are right.")


@pytest.fixture
def authorized(cast) -> Action:
    trace = planned(cast)
    request = request_of(trace, TOOL)
    vote(cast, request, "priya")
    vote(cast, request, "tomas")
    return action(trace, TOOL)


SCOPES = ["agent", "tool", "connection", "workspace", "everything"]


@pytest.mark.parametrize("scope", SCOPES)
def test_p9_authorized_action_waits_and_runs_after_the_release(cast, desk, authorized, scope):
    switch = paused(cast, scope)
    work(authorized.trace)
    assert action(authorized.trace, TOOL).state == "authorized" and desk.read("/orders/48213")["refunds"] == []
    assert sweep().rung == 0, "What is held does not crowd the queue."
    released(cast, switch)
    assert sweep().rung == 1
    work(authorized.trace)
    assert action(authorized.trace, TOOL).state == "succeeded" and len(desk.read("/orders/48213")["refunds"]) == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_p9_proposals_are_denied_with_a_sentence_and_nothing_is_read(cast, desk, scope):
    switch = paused(cast, scope)
    before = len(desk.audit())
    found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=TOOL, arguments=REFUND)
    assert found.state == "denied" and "is paused by Priya" in found.detail and WHY in found.detail
    assert len(desk.audit()) == before, "No credential was minted, not even for a look."
    released(cast, switch)
    again = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=TOOL, arguments=REFUND)
    assert again.state == "succeeded"


def test_other_tools_other_tenants_are_not_touched(cast, desk):
    paused(cast, "tool")
    other = call_tool(
        actor=cast.agent_actor,
        agent=cast.agent,
        trace=opened(cast),
        tool="desk.order.get",
        arguments={"order_id": "48213"},
    )
    assert other.state == "succeeded"
    assert not KillSwitch.objects.exclude(workspace=cast.northwind).exists()


def test_pause_between_claim_and_intent_gives_the_action_back(cast, desk, authorized, monkeypatch):
    """The pause begins while the worker reads the target: what it holds then is seen in the transaction of the intent."""
    honest = recheck.CHECKS[-1]

    def slow(found, way):
        answer = honest(found, way)
        KillSwitch.objects.exists() or paused(cast, "agent")
        return answer

    monkeypatch.setattr(recheck, "CHECKS", (*recheck.CHECKS[:-1], slow))
    work(authorized.trace)
    found = action(authorized.trace, TOOL)
    assert found.state == "authorized" and desk.read("/orders/48213")["refunds"] == []
    kinds = Entry.objects.filter(trace=found.trace).order_by("seq").values_list("type", flat=True)
    assert list(kinds)[-4:] == ["action.claimed", "credential.minted", "action.held", "credential.revoked"]


def test_a_pause_lets_no_reconcile_out(cast, desk):
    found = in_doubt(cast, desk, "reset_before")
    switch = paused(cast, "connection")
    its_time_comes(found)
    minted = len(desk.audit())
    held = find_out(found)
    assert held.state == "unknown" and held.reconcile_tries == 0 and len(desk.audit()) == minted
    released(cast, switch)
    its_time_comes(found)
    assert find_out(found).state in {"succeeded", "failed"}


def test_it_holds_within_a_second(cast, authorized):
    began = time.monotonic()
    paused(cast, "agent")
    run_action(authorized.pk)
    assert time.monotonic() - began < 1 and action(authorized.trace, TOOL).state == "authorized"


def test_both_acts_stand_in_the_governance_chain(cast):
    released(cast, paused(cast, "agent"))
    chain = Trace.objects.get(workspace=cast.northwind, kind="governance")
    last = list(chain.entries.order_by("seq"))[-2:]
    assert [entry.type for entry in last] == ["pause.set", "pause.released"]
    assert last[0].record["body"]["reason"] == WHY and last[0].record["actor"]["id"] == cast.user("priya").pk


def test_everything_stands_in_every_workspaces_chain_and_has_no_button(cast):
    paused(cast, "everything")
    assert Entry.objects.filter(type="pause.set").count() == 2
    with pytest.raises(SwitchRefused, match="command line"):
        pause(
            actor=cast.actor("dana"), user=cast.user("dana"), workspace=cast.northwind, scope="everything", target="",
            reason=WHY,
        )  # fmt: skip


def test_who_may_and_what_is_refused(cast):
    def ask(first, scope="agent", target=None, reason=WHY):
        target = cast.agent.pk if target is None else target
        return pause(
            actor=cast.actor(first), user=cast.user(first), workspace=cast.northwind, scope=scope, target=target,
            reason=reason,
        )  # fmt: skip

    with pytest.raises(Forbidden):
        ask("maya")
    with pytest.raises(NotVisible):
        ask("omar")
    foreign = cast.agents["front-desk-agent"].pk
    for kwargs in ({"target": foreign}, {"scope": "tool", "target": "no.such"}, {"scope": "moon"}, {"reason": "x"}):
        with pytest.raises(SwitchRefused):
            ask("priya", **kwargs)
    switch = ask("priya")
    with pytest.raises(SwitchRefused, match="already"):
        ask("dana")
    with pytest.raises(NotVisible):
        release(
            actor=cast.actor("omar"), user=cast.user("omar"), workspace=cast.lakeside, switch_id=switch.pk, reason=WHY
        )
    released(cast, switch)
    with pytest.raises(SwitchRefused, match="already"):
        released(cast, switch)


def kill(*arguments, **options) -> str:
    out = StringIO()
    call_command("remit_kill", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "scope",
    [
        "everything",
        "workspace:northwind",
        "agent:northwind/refunds-agent",
        f"tool:northwind/{TOOL}",
        "connection:northwind/desk",
    ],
)
def test_p9_command_works_without_the_web(cast, desk, authorized, scope):
    assert "Nothing it covers is sent" in kill(scope, reason=WHY)
    work(authorized.trace)
    assert action(authorized.trace, TOOL).state == "authorized"
    assert f"{scope}  since 20" in kill(list_all=True) and WHY in kill(list_all=True)
    (listed,) = json.loads(kill(list_all=True, as_json=True))
    assert (listed["scope"], listed["reason"], listed["released_at"]) == (scope, WHY, None)
    assert "released" in kill(scope, release=True, reason="Found and mended the cause.")
    work(authorized.trace)
    assert action(authorized.trace, TOOL).state == "succeeded" and json.loads(kill(list_all=True, as_json=True)) == []


def test_p9_command_says_so_when_a_stopped_process_holds_the_chain(transactional_db, cast):
    """Nothing is switched without its entry, and nobody has a stack trace to read at 02:00."""
    kill("workspace:northwind", reason=WHY)
    kill("workspace:northwind", release=True, reason="It was only to begin the chain.")
    stopped = connection.copy()
    with contextlib.closing(stopped), stopped.cursor() as other, connection.cursor() as mine:
        other.execute("BEGIN")
        other.execute("SELECT id FROM traces_trace WHERE kind = %s FOR UPDATE", [Trace.Kind.GOVERNANCE])
        mine.execute("SET lock_timeout = '300ms'")
        with pytest.raises(CommandError, match=r"lock timeout\. Nothing was switched\. Try again"):
            kill("everything", reason=WHY)
        other.execute("ROLLBACK")
        mine.execute("RESET lock_timeout")
    assert json.loads(kill(list_all=True, as_json=True)) == []
    assert json.loads(kill("everything", reason=WHY, as_json=True))["scope"] == "everything"


@pytest.mark.parametrize(
    "scope", ["", "agent", "agent:nowhere/x", "agent:northwind/x", "tool:northwind", "moon:northwind/x"]
)
def test_command_refuses_with_one_sentence(cast, scope):
    with pytest.raises(CommandError):
        kill(scope, reason=WHY)
    assert not KillSwitch.objects.exists()
