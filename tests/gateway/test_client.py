"""remit-client as its users have it, over real HTTP: both clients, the toolset, governed functions, hooks that fail closed."""

import asyncio
import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from actions.models import Action
from remit_client import AsyncRemit, NoEffect, NotAllowed, Remit, RemitError, Toolset, governed
from remit_client.hooks import REFUSE, main
from tests.actions.hands import TOOL, give_hands
from tests.builders import opened, request_of, vote, work

ROOT = Path(__file__).parents[2]
ORDER = {"order_id": "48213"}


@pytest.fixture
def remit(transactional_db, desk, cast, live_server):
    with Remit(live_server.url, token=cast.token) as made:
        yield made


def test_a_toolset_tells_the_outcome_in_words_that_stand_alone(remit, cast):
    toolset = Toolset(remit.trace(opened(cast).pk))
    assert toolset.has("desk.order.get") and toolset.has("desk__order__get") and not toolset.has("rm")
    done = toolset.call("desk__order__get", ORDER, "call-1")
    assert not done.is_error and not done.pending and json.loads(done.text)["executed"] is True
    unknown = toolset.call("desk.order.delete", {}, "call-2")
    assert unknown.is_error and "no tool" in unknown.text
    wrong = toolset.call("desk.order.get", {"order_id": 1}, "call-3")
    assert wrong.is_error and "order_id" in wrong.text and Action.objects.count() == 1


def test_the_same_call_id_is_the_same_action_whatever_became_of_it(remit, cast):
    trace = opened(cast)
    mail = {"to": "ap@birch.example", "subject": "Your order", "body": "Hello."}
    told = Toolset(remit.trace(trace.pk)).call("desk.mail.send", mail, "call-1")
    assert told.pending and told.approval_url in told.text and not told.is_error
    vote(cast, request_of(trace, "desk.mail.send"), "maya")
    work(trace)
    again = Toolset(remit.trace(trace.pk)).call("desk.mail.send", mail, "call-1")
    assert again.action.succeeded and Action.objects.count() == 1
    other = Toolset(remit.trace(trace.pk)).call("desk.mail.send", {**mail, "body": "Other."}, "call-1")
    assert other.is_error and "another body" in other.text and Action.objects.count() == 1


def test_where_a_stack_names_no_call_a_read_is_read_anew_and_a_write_is_one(remit, cast, desk):
    """LlamaIndex and Claude's SDK give a tool no id of its call: who looks again after a change must see it."""
    trace = opened(cast)
    toolset = Toolset(remit.trace(trace.pk))
    mail = {"to": "ap@birch.example", "subject": "Your order", "body": "Hello."}
    first = toolset.call("desk.order.get", ORDER, None)
    second = toolset.call("desk.order.get", ORDER, None)
    assert first.action.succeeded and second.action.succeeded and first.action.id != second.action.id
    waits = [toolset.call("desk.mail.send", mail, None) for _ in range(2)]
    assert waits[0].pending and waits[0].action.id == waits[1].action.id
    vote(cast, request_of(trace, "desk.mail.send"), "maya")
    work(trace)
    after = [Toolset(remit.trace(trace.pk)).call("desk.mail.send", mail, None) for _ in range(2)]
    assert {one.action.id for one in after} == {waits[0].action.id} and after[0].action.succeeded
    other = Toolset(remit.trace(opened(cast).pk)).call("desk.mail.send", {**mail, "body": "Other."}, None)
    assert other.pending and other.action.id != waits[0].action.id


@pytest.mark.parametrize(
    "arguments",
    [[1], None, "x", {"order_id": float("nan")}, {"order_id": "\ud800"}, {"order_id": 2**53}, {"order_id": "\0"}, {1: 2},
     {"order_id": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}, {"order_id": "x" * 70_000}],
    ids=lambda one: repr(one)[:20],
)  # fmt: skip
def test_arguments_that_no_body_can_carry_are_told_to_the_model(remit, cast, arguments):
    told = Toolset(remit.trace(opened(cast).pk)).call("desk.order.get", arguments, "call-1")
    assert told.is_error and not told.pending and "not executed" in told.text and not Action.objects.exists()


def test_a_wrong_token_is_an_error_and_never_an_outcome(remit, cast, live_server):
    with Remit(live_server.url, token="rmt_nope") as stranger, pytest.raises(RemitError, match="401"):
        stranger.tools()


def test_the_asynchronous_client_says_the_same(remit, cast, live_server):
    async def use():
        async with AsyncRemit(live_server.url, token=cast.token) as found:
            trace = await found.open_trace(intent="Look.", on_behalf_of="maya@northwind.example", idempotency_key="one")
            same = await found.open_trace(intent="Look.", on_behalf_of="maya@northwind.example", idempotency_key="one")
            action = await (await trace.call("desk.order.get", ORDER)).wait(timeout_s=5)
            return (
                trace.id == same.id,
                action.state,
                (await trace.evaluate("desk.order.get", ORDER))["decision"]["effect"],
            )

    assert asyncio.run(use()) == (True, "succeeded", "allow")


def test_a_governed_function_runs_only_as_allowed_and_is_reported(remit, cast):
    give_hands(cast)
    ran = []

    @governed(remit.trace(opened(cast).pk), TOOL)
    def shell(command: str) -> dict:
        ran.append(command)
        if command == "make mess":
            raise RuntimeError("with a secret")
        if command == "make nothing":
            raise NoEffect("Nothing to make.")
        return {"exit_code": 0}

    assert shell("make deploy") == {"exit_code": 0}
    with pytest.raises(RuntimeError):
        shell("make mess")
    with pytest.raises(NoEffect):
        shell(command="make nothing")
    states = list(Action.objects.order_by("step").values_list("state", "detail"))
    assert [state for state, _ in states] == ["succeeded", "needs_human", "failed"]
    assert "secret" not in str(states) and states[2][1] == "Nothing to make."
    cast.agents["refunds-agent"].__class__.objects.filter(pk=cast.agent.pk).update(role="triage")
    with pytest.raises(NotAllowed, match="denied"):
        shell("make deploy")
    assert ran == ["make deploy", "make mess", "make nothing"]


@pytest.mark.parametrize("value", [object(), {"at": {1}}, float("nan"), 2**60, "x" * 70_000, "\ud800"], ids=range(6))
def test_what_ran_is_told_as_done_whatever_it_returns(remit, cast, value):
    give_hands(cast)

    @governed(remit.trace(opened(cast).pk), TOOL)
    def shell(command: str):
        return value

    assert shell("make deploy") is value
    made = Action.objects.get()
    assert made.state == "succeeded" and type(value).__name__ in str(made.result), made.result


@pytest.fixture
def hook(remit, cast, live_server, tmp_path, monkeypatch, capsys):
    give_hands(cast)
    mapping = tmp_path / "tools.json"
    mapping.write_text(json.dumps({"Bash": {"tool": TOOL, "arguments": ["command"], "ignore": ["description"]}}))
    for name, value in {
        "REMIT_URL": live_server.url, "REMIT_AGENT_TOKEN": cast.token, "REMIT_ON_BEHALF_OF": "maya@northwind.example",
        "REMIT_HOOK_TOOLS": str(mapping),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def run(stack: str, event) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(event if isinstance(event, str) else json.dumps(event)))
        code = main([stack])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


BASH = {"session_id": "s1", "tool_name": "Bash", "tool_input": {"command": "make test", "description": "Tests"}}


def test_hooks_let_through_what_policy_allows_in_each_dialect(hook):
    code, out, _ = hook("claude-code", BASH)
    assert code == 0 and json.loads(out)["hookSpecificOutput"]["permissionDecision"] == "allow"
    assert hook("claude-code", {**BASH, "tool_name": "mcp__remit__desk__order__get"})[0] == 0
    code, out, _ = hook("gemini-cli", BASH)
    assert code == 0 and json.loads(out)["decision"] == "allow"
    event = {"sessionId": "s2", "toolName": "Bash", "toolArgs": json.dumps({"command": "make test"})}
    code, out, _ = hook("copilot-cli", event)
    assert code == 0 and json.loads(out)["permissionDecision"] == "allow"
    assert not Action.objects.exists(), "A hook asks; it consumes nothing."


@pytest.mark.parametrize(
    ("stack", "event", "words"),
    [
        ("claude-code", {**BASH, "tool_name": "Edit"}, "not a tool"),
        ("claude-code", {**BASH, "tool_input": {"command": "ls", "run_in_background": True}}, "run_in_background"),
        ("claude-code", "not json", "could not be asked"),
        ("claude-code", {}, "could not be asked"),
        ("nobody-knows", BASH, "could not be asked"),
        ("copilot-cli", {"toolName": "Bash", "toolArgs": "["}, "could not be asked"),
        ("gemini-cli", {**BASH, "tool_input": {"command": 5}}, "could not be asked"),
    ],
)
def test_hooks_refuse_with_exit_code_two_whatever_goes_wrong(hook, stack, event, words):
    code, _, error = hook(stack, event)
    assert code == REFUSE and words in error


def test_a_hook_ends_by_itself_before_whoever_waits_for_it(tmp_path):
    """A server that goes on answering never times out; the program refuses all the same."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        env = {"REMIT_URL": f"http://127.0.0.1:{listening.getsockname()[1]}", "REMIT_AGENT_TOKEN": "t", "PATH": "/bin"}
        env |= {"REMIT_ON_BEHALF_OF": "maya@northwind.example", "PYTHONPATH": "client"}
        (tmp_path / "tools.json").write_text("{}")
        env["REMIT_HOOK_TOOLS"] = str(tmp_path / "tools.json")
        code = "import remit_client.hooks as h; h.TIMEOUT_S, h.ALL_S = 60, 1; raise SystemExit(h.main(['claude-code']))"
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=ROOT, input=json.dumps(BASH), capture_output=True, text=True,
            timeout=30,
        )  # fmt: skip
    assert done.returncode == REFUSE and "did not answer within 1 seconds" in done.stderr
    assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_hooks_refuse_when_remit_is_down_or_a_person_has_to_decide(hook, cast, monkeypatch):
    give_hands(cast, mode="approval")
    code, out, error = hook("claude-code", BASH)
    assert code == REFUSE and "person" in error
    assert json.loads(out)["hookSpecificOutput"]["permissionDecision"] == "deny"
    monkeypatch.setenv("REMIT_URL", "http://127.0.0.1:9")
    assert hook("claude-code", BASH)[0] == REFUSE
