"""The MCP surface as its clients use it: both eras, the list policy grants, the three shapes of "a person decides"."""

import json

from actions.models import Action
from approvals.models import ApprovalRequest
from sample.agent.__main__ import STEPS
from tests.builders import vote, work
from tests.gateway.mcp_client import MODERN, PAGES, TASKS, call, handshake, modern, send, task
from traces.models import Trace

ORDER = ("desk.order.get", {"order_id": "48213"})
REFUND = (STEPS[1]["tool"], STEPS[1]["arguments"])


def approve(cast, approval_id: str) -> None:
    request = ApprovalRequest.objects.get(pk=approval_id)
    vote(cast, request, "priya")
    vote(cast, request, "tomas")
    work(request.trace)


def facts(result: dict) -> dict:
    """The facts of an answer; its text holds the same."""
    told = result["structuredContent"]
    sentence, text = result["content"][0]["text"].split("\n", 1)
    assert json.loads(text) == told and sentence == told["message"]
    return told


def test_b06_the_list_is_what_policy_grants_and_nothing_else_exists(cast):
    tools = modern("tools/list", {}, cast.tokens["front-desk-agent"]).json()["result"]
    assert [tool["name"] for tool in tools["tools"]] == [
        "desk.account.get", "approval_wait", "trace_open", "approval_answer", "approval_withdraw",
    ]  # fmt: skip
    assert (tools["cacheScope"], tools["resultType"]) == ("private", "complete") and tools["ttlMs"] > 0
    for name in ("desk.refund.create", "desk.no.such"):
        answer = modern("tools/call", {"name": name, "arguments": {}}, cast.tokens["front-desk-agent"])
        assert answer.status_code == 400 and answer.json()["error"]["code"] == -32602
        assert answer.json()["error"]["message"].startswith(f"Unknown tool: {name}")
    assert not Action.objects.exists()


def test_an_allowed_call_is_executed_and_told_twice_over(cast):
    told = facts(call(*ORDER, cast.token))
    assert told["decision"] == "executed" and told["result"]["withheld"] == ["card"]
    assert Trace.objects.get(pk=told["trace_id"]).on_behalf_of == cast.agent.owner


def test_a_denied_call_is_the_only_kind_of_error_and_says_by_which_policy(cast):
    result = call("desk.refund.create", {**REFUND[1], "amount": 10_000_000}, cast.token)
    told = facts(result)
    assert result["isError"] and told["decision"] == "denied" and "Do not retry" in told["message"]
    assert "policy support version 1" in told["message"] and told["trace_id"] in told["message"]


def test_plain_pending_is_no_error_and_approval_wait_gives_the_outcome(cast):
    result = call(*REFUND, cast.token)
    told = facts(result)
    assert not result["isError"] and told["decision"] == "needs_approval" and "Nothing was executed" in told["message"]
    assert told["approval_url"].endswith(f"/approvals/{told['approval_id']}/") and told["expires_at"]
    wait = {"approval_id": told["approval_id"], "seconds": 0}
    assert facts(call("approval_wait", wait, cast.token))["decision"] == "needs_approval"
    approve(cast, told["approval_id"])
    assert facts(call("approval_wait", wait, cast.token))["decision"] == "executed"
    other = call("approval_wait", wait, cast.tokens["front-desk-agent"])
    assert other["isError"] and "no approval of that id" in other["content"][0]["text"]


def test_a_client_that_takes_tasks_gets_one_and_its_result(cast):
    made = call(*REFUND, cast.token, declares=TASKS)
    assert made["resultType"] == "task" and made["status"] == "working" and "/approvals/" in made["statusMessage"]
    assert made["ttlMs"] > 0 and not {"result", "requestState", "ttl"} & set(made)
    name = made["taskId"]
    assert task("get", name, cast.token).json()["result"]["status"] == "working"
    assert task("update", name, cast.token, inputResponses={"approval": {"action": "accept"}}).status_code == 200
    assert task("get", name, cast.token).json()["result"]["status"] == "working"
    approve(cast, name)
    done = task("get", name, cast.token).json()["result"]
    assert done["status"] == "completed" and facts(done["result"])["decision"] == "executed"
    cancelled = task("cancel", name, cast.token).json()["result"]
    assert cancelled["resultType"] == "complete" and "taskId" not in cancelled


def test_a_rejected_task_is_completed_with_an_error_and_a_cancelled_one_is_withdrawn(cast):
    first = call(*REFUND, cast.token, declares=TASKS)["taskId"]
    vote(cast, ApprovalRequest.objects.get(pk=first), "priya", "reject", "Not this one.")
    done = task("get", first, cast.token).json()["result"]
    assert done["status"] == "completed" and done["result"]["isError"] and "Not this one" in str(done["result"])
    second = call(*REFUND, cast.token, declares=TASKS)["taskId"]
    assert second != first
    task("cancel", second, cast.token)
    assert task("get", second, cast.token).json()["result"]["status"] == "cancelled"
    assert ApprovalRequest.objects.get(pk=second).state == "withdrawn"


def test_m04_a_task_of_another_agent_is_an_unknown_task(cast):
    name = call(*REFUND, cast.token, declares=TASKS)["taskId"]
    other = cast.tokens["front-desk-agent"]
    foreign, missing = task("get", name, other), task("get", "apr_00000000000000000000000000", other)
    assert foreign.status_code == missing.status_code == 400 and foreign.content == missing.content
    task("cancel", name, other)
    assert ApprovalRequest.objects.get(pk=name).is_open


def test_a_client_that_opens_pages_is_sent_to_one_and_its_own_answer_decides_nothing(cast, settings, monkeypatch):
    monkeypatch.setattr("gateway.mcp.governed.HOLD_S", 0)
    asked = call(*REFUND, cast.token, declares=PAGES)
    assert asked["resultType"] == "input_required"
    page = asked["inputRequests"]["approval"]["params"]
    assert page["mode"] == "url" and page["elicitationId"] in page["url"]

    def again(action: str) -> dict:
        answers = {"approval": {"action": action}}
        return call(*REFUND, cast.token, declares=PAGES, requestState=asked["requestState"], inputResponses=answers)

    assert again("accept")["resultType"] == "input_required"  # Open still: accepting decided nothing.
    for no in ("decline", "cancel"):
        assert facts(again(no))["decision"] == "needs_approval"
    assert ApprovalRequest.objects.get().is_open
    approve(cast, page["elicitationId"])
    assert facts(again("accept"))["decision"] == "executed"
    assert Action.objects.count() == 1


def test_a_state_of_another_call_agent_or_key_is_refused(cast):
    state = call(*REFUND, cast.token, declares=PAGES)["requestState"]
    other_arguments = {**REFUND[1], "amount": REFUND[1]["amount"] + 1}
    tampered = state[:-2] + ("A" if state[-2] != "A" else "B") + state[-1]
    for arguments, sent in (
        (other_arguments, state),
        (REFUND[1], tampered),
        (REFUND[1], state + "AAAA"),
        (REFUND[1], "x"),
    ):
        params = {"name": REFUND[0], "arguments": arguments, "requestState": sent, "inputResponses": {}}
        answer = modern("tools/call", params, cast.token, declares=PAGES)
        assert answer.status_code == 400 and "requestState" in answer.json()["error"]["message"]
    assert Action.objects.count() == 1


def test_the_handshake_era_lists_calls_and_gets_plain_answers(cast):
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    begun = handshake("initialize", hello, cast.token, version=None).json()["result"]
    assert begun["protocolVersion"] == "2025-11-25" and begun["serverInfo"]["name"] == "remit"
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert send(note, cast.token).status_code == 202
    assert handshake("ping", {}, cast.token).json()["result"] == {}
    tools = handshake("tools/list", {}, cast.token).json()["result"]
    assert set(tools) == {"tools"} and "desk.refund.create" in {tool["name"] for tool in tools["tools"]}
    result = handshake("tools/call", {"name": REFUND[0], "arguments": REFUND[1]}, cast.token).json()["result"]
    assert facts(result)["decision"] == "needs_approval" and "resultType" not in result
    unknown = handshake("tasks/get", {"taskId": "x"}, cast.token)
    assert unknown.status_code == 200 and unknown.json()["error"]["code"] == -32601


def test_discovery_says_what_is_served(cast):
    found = modern("server/discover", {}, cast.token).json()["result"]
    assert (
        MODERN in found["supportedVersions"] and "io.modelcontextprotocol/tasks" in found["capabilities"]["extensions"]
    )
    assert "prompts" not in found["capabilities"] and found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"]


def test_bad_arguments_are_told_to_the_model_and_leave_proof(cast):
    result = call("desk.order.get", {"order_id": "48213", "extra": 1}, cast.token)
    assert result["isError"] and "extra is not an argument" in facts(result)["message"]
    assert Trace.objects.filter(kind="refusals", agent=cast.agent).exists() and not Action.objects.exists()
