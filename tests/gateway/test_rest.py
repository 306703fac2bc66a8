"""The REST surface works as an agent uses it."""

import json

from django.test import Client
from jsonschema import Draft202012Validator

from tests.builders import STEPS, opened, planned, request_of, vote, work


def get(path, token, **params):
    return Client().get(f"/api/v1/{path}", params, headers={"Authorization": f"Bearer {token}"})


def post(path, body, token):
    return Client().post(
        f"/api/v1/{path}",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_trace_plan_wait_and_export(cast):
    body = {
        "intent": "Refund the duplicate.",
        "on_behalf_of": "maya@northwind.example",
        "sources": [{"title": "Ticket 1"}],
    }
    trace = post("traces", body, cast.token).json()
    plan = post(f"traces/{trace['trace_id']}/plan", {"steps": STEPS}, cast.token).json()
    assert [step["state"] for step in plan["steps"]] == ["succeeded", "pending", "authorized", "pending"]
    assert plan["steps"][2]["refused_fields"] == ["credit_limit"]
    assert plan["steps"][1]["approval"]["steps"] == ["Support lead", "Finance"]
    action = get(f"actions/{plan['steps'][0]['action_id']}", cast.token, wait=25).json()
    assert action["result"]["withheld"] == ["card"] and action["executed"]
    assert get(f"traces/{trace['trace_id']}/export", cast.token).json()["head"]["seq"] > 10


def test_pending_call_answers_202_at_once_and_later_the_outcome(cast):
    trace = opened(cast)
    call = {"trace_id": trace.pk, "tool": STEPS[1]["tool"], "arguments": STEPS[1]["arguments"]}
    answer = post("tool-calls", call, cast.token)
    assert answer.status_code == 202 and "Nothing was executed" in answer.json()["detail"]
    request = request_of(trace, "desk.refund.create")
    vote(cast, request, "priya")
    vote(cast, request, "tomas")
    work(trace)
    assert get(f"actions/{answer.json()['action_id']}", cast.token).json()["state"] == "succeeded"
    assert get(f"approvals/{request.pk}", cast.token).json()["state"] == "approved"


def test_evaluate_decides_and_consumes_nothing(cast):
    trace = opened(cast)
    call = {"trace_id": trace.pk, "tool": STEPS[1]["tool"], "arguments": STEPS[1]["arguments"]}
    answer = post("evaluate", call, cast.token).json()
    assert answer["decision"]["effect"] == "approval"
    assert get(f"traces/{trace.pk}", cast.token).json()["actions"] == []


def test_b06_tool_list_is_narrowed_by_policy(cast):
    names = [tool["name"] for tool in get("tools", cast.tokens["front-desk-agent"]).json()["tools"]]
    assert names == ["desk.account.get"]
    update = next(t for t in get("tools", cast.token).json()["tools"] if t["name"] == "desk.account.update")
    assert "credit_limit" not in update["input_schema"]["properties"]["fields"]["properties"]


def test_b04_agent_never_sees_rules_that_passed_nor_credentials(cast):
    text = json.dumps(get(f"traces/{planned(cast).pk}", cast.token).json())
    assert "invariants." not in text and "desk_" not in text


def test_openapi_document_is_served(cast):
    document = get("openapi.json", cast.token).json()
    assert {"/api/v1/traces", "/api/v1/tool-calls", "/api/v1/evaluate"} <= set(document["paths"])
    assert Client().get("/api/v1/openapi.json").status_code == 401


def test_b06_an_agents_openapi_document_has_its_own_tools_and_they_work(cast):
    document = get("openapi.json", cast.token).json()
    assert document["openapi"].startswith("3.1")
    tools = {path for path in document["paths"] if path.startswith("/api/v1/tools/")}
    assert "/api/v1/tools/desk.refund.create" in tools
    update = document["paths"]["/api/v1/tools/desk.account.update"]["post"]
    arguments = update["requestBody"]["content"]["application/json"]["schema"]["properties"]["arguments"]
    Draft202012Validator.check_schema(arguments)
    assert "credit_limit" not in arguments["properties"]["fields"]["properties"]
    other = get("openapi.json", cast.tokens["front-desk-agent"]).json()["paths"]
    assert [path for path in other if path.startswith("/api/v1/tools/")] == ["/api/v1/tools/desk.account.get"]
    body = {"trace_id": opened(cast).pk, "arguments": {"order_id": "48213"}}
    assert post("tools/desk.order.get", body, cast.token).json()["state"] == "succeeded"
    assert post("tools/desk.refund.create", body, cast.token).status_code == 422
    assert post("tools/Not-A-Tool", body, cast.token).status_code == 422


def test_f07_a_stopped_plan_says_what_was_done_and_is_resumed_once_under_its_key(cast):
    trace = planned(cast)
    vote(cast, request_of(trace, "desk.refund.create"), "priya", "reject", "Not this one.")
    plan = trace.plans.get()
    told = get(f"plans/{plan.pk}", cast.token).json()["stopped"]
    assert (told["step"], told["done"], told["can_resume"], told["undo"]) == (2, [1], True, [])

    def resume(key: str, body: bytes = b"{}"):
        headers = {"Authorization": f"Bearer {cast.token}", "Idempotency-Key": key}
        return Client().post(f"/api/v1/plans/{plan.pk}/resume", body, content_type="application/json", headers=headers)

    for body, status, words in (
        (b'{"from_step": 3}', 422, "/from_step"),
        (b"[]", 422, ""),
        (b'{"a": 1, "a": 1}', 400, "twice"),
    ):
        refused = resume("k1", body)
        assert refused.status_code == status and words in refused.json()["detail"]
    first, again, other = resume("k1"), resume("k1"), resume("k2")
    assert first.status_code == 200 and first.json() == again.json() and first.json()["resumes"] == plan.pk
    assert [step["state"] for step in first.json()["steps"]] == ["pending", "authorized", "pending"]
    assert other.status_code == 409 and "resumed already" in other.json()["detail"]
    assert get(f"plans/{plan.pk}", cast.tokens["front-desk-agent"]).status_code == 404
