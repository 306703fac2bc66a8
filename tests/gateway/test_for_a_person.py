"""REST and MCP for a person known by token: the token says who, and nothing an agent writes does (A-01, A-03, M-04)."""

import json

import pytest
from django.test import Client

from accounts.models import PersonToken
from tests.builders import STEPS, opened
from tests.gateway.exchanging import Desk, post, rest
from tests.gateway.mcp_client import call, modern
from tests.gateway.test_bad_input import problem
from traces.models import Entry, Trace
from traces.services import opening

READ, REFUND, _, MAIL = STEPS
INTENT = {"intent": "Look at order 48213."}


@pytest.fixture
def desk_of(cast, provider, settings) -> Desk:
    return Desk(cast, provider, settings)


def open_trace(held: str, **more) -> Trace:
    answer = rest(held, "traces", {**INTENT, **more})
    assert answer.status_code == 201, answer.content
    return Trace.objects.get(pk=answer.json()["trace_id"])


def tool_call(held: str, trace: Trace, step=READ, **headers):
    return rest(
        held, "tool-calls", {"trace_id": trace.pk, "tool": step["tool"], "arguments": step["arguments"]}, **headers
    )


def test_the_traces_person_is_the_tokens_and_its_entry_says_how(cast, desk_of):
    trace = open_trace(desk_of.token())
    assert trace.on_behalf_of == cast.user("maya")
    assert opening(trace)["known_by"] == "token" and opening(trace)["token"] == PersonToken.objects.get().name
    named = opening(open_trace(cast.token, on_behalf_of="maya@northwind.example"))
    assert named["known_by"] == "agent" and "token" not in named


def test_a_body_that_names_another_person_is_refused_with_the_field_and_what_to_do(cast, desk_of):
    held = desk_of.token()
    refusal = problem(rest(held, "traces", {**INTENT, "on_behalf_of": "dana@northwind.example"}), 422)
    assert refusal["problems"][0]["pointer"] == "/on_behalf_of" and "Leave it out" in refusal["detail"]
    for same in ("maya@northwind.example", "Maya@Northwind.example", cast.user("maya").pk):
        assert open_trace(held, on_behalf_of=same).on_behalf_of == cast.user("maya")
    assert problem(rest(cast.token, "traces", INTENT), 422)["problems"][0]["pointer"] == "/on_behalf_of"


def test_a_token_sees_and_uses_only_what_is_its_persons(cast, desk_of):
    other = opened(cast, asker="dana")
    mine = desk_of.token()
    assert rest(mine, f"traces/{other.pk}").status_code == rest(mine, f"traces/{other.pk}/export").status_code == 404
    assert tool_call(mine, other).status_code == 404
    theirs = tool_call(cast.token, other, REFUND).json()
    assert rest(mine, f"actions/{theirs['action_id']}").status_code == 404
    assert rest(mine, f"approvals/{theirs['approval']['approval_id']}").status_code == 404
    assert rest(cast.token, f"actions/{theirs['action_id']}").status_code == 200


def test_a_trace_known_by_token_takes_no_call_without_one(cast, desk_of):
    trace = open_trace(desk_of.token())
    refusal = problem(tool_call(cast.token, trace), 403)
    assert refusal["type"].endswith("person-not-proven") and "Exchange" in refusal["detail"]
    assert rest(cast.token, f"traces/{trace.pk}").status_code == 200, "its outcomes are still the agent's to read"
    assert tool_call(desk_of.token(), trace).status_code == 200, "the next token of the same person goes on"


def test_a_trace_known_by_token_is_shown_by_link_only_to_who_showed_it(cast, desk_of):
    trace, maya = open_trace(desk_of.token()), {"on_behalf_of": "maya@northwind.example"}
    assert problem(rest(cast.token, f"traces/{trace.pk}/links", maya), 403)["type"].endswith("person-not-proven")
    assert rest(desk_of.token("dana"), f"traces/{trace.pk}/links", maya).status_code == 404
    assert rest(desk_of.token(), f"traces/{trace.pk}/links", maya).status_code == 201


def test_an_idempotency_key_of_one_person_is_not_anothers(desk_of):
    key = {"Idempotency-Key": "one"}
    first, again, other = (
        rest(desk_of.token(who), "traces", INTENT, **key).json()["trace_id"] for who in ("maya", "maya", "dana")
    )
    assert first == again != other


def test_the_list_is_narrowed_and_a_call_beyond_it_is_denied_with_its_check(cast, desk_of):
    held = desk_of.token(scope="read")
    listed = {tool["effect_class"] for tool in rest(held).json()["tools"]}
    assert listed == {"read"} and not any("refund" in path for path in rest(held, "openapi.json").json()["paths"])
    answer = tool_call(held, open_trace(held), REFUND).json()
    assert answer["state"] == "denied" and not answer["executed"]
    assert [check["rule"] for check in answer["decision"]["checks"] if check["outcome"] == "denied"] == ["token.scope"]


def test_an_auditors_token_only_reads_whatever_is_asked(desk_of):
    answer = desk_of.exchange("ava")
    assert answer.json()["scope"] == "read"
    assert desk_of.exchange("ava", scope="write side_effect").json()["error"] == "invalid_scope"


def test_mcp_takes_the_person_from_the_token(cast, desk_of):
    held = desk_of.mcp_token()
    result = call(READ["tool"], READ["arguments"], held)["structuredContent"]
    trace = Trace.objects.get(pk=result["trace_id"])
    assert trace.on_behalf_of == cast.user("maya") and opening(trace)["known_by"] == "token"
    said = {"remit/on_behalf_of": "dana@northwind.example"}
    wrong = modern("tools/call", {"name": READ["tool"], "arguments": READ["arguments"]}, held, meta=said)
    assert "another person" in wrong.json()["error"]["message"]
    spoken = call(READ["tool"], READ["arguments"], cast.token, meta={"remit/on_behalf_of": "maya@northwind.example"})
    assert spoken["structuredContent"]["trace_id"] != trace.pk, "a person who was only named has a trace of their own"
    named = modern(
        "tools/call",
        {"name": READ["tool"], "arguments": READ["arguments"]},
        cast.token,
        meta={"remit/trace_id": trace.pk},
    )
    assert "known by token" in named.json()["error"]["message"]


def test_mcp_lists_less_and_denies_the_rest_with_its_check(cast, desk_of):
    held = desk_of.mcp_token(scope="read")
    names = {tool["name"] for tool in modern("tools/list", {}, held).json()["result"]["tools"]}
    assert READ["tool"] in names and MAIL["tool"] not in names
    answer = modern("tools/call", {"name": MAIL["tool"], "arguments": MAIL["arguments"]}, held)
    denied, asked = answer.json()["result"], answer.headers["WWW-Authenticate"]
    assert answer.status_code == 403 and 'error="insufficient_scope", scope="read side_effect"' in asked, "M-02"
    assert asked.endswith('/.well-known/oauth-protected-resource/mcp"')
    assert denied["isError"] and denied["structuredContent"]["decision"] == "denied"
    assert "token.scope" in json.dumps(denied["structuredContent"]["checks"])
    unknown = modern("tools/call", {"name": "desk.never.was", "arguments": {}}, held).json()
    assert "Unknown tool" in unknown["error"]["message"]


def test_m04_one_persons_wait_is_not_anothers(cast, desk_of):
    maya, dana = desk_of.mcp_token(), desk_of.mcp_token("dana")
    pending = call(REFUND["tool"], REFUND["arguments"], maya)["structuredContent"]
    for held, seen in ((maya, True), (dana, False), (cast.token, True)):
        asked = {"approval_id": pending["approval_id"], "seconds": 0}
        answer = call("approval_wait", asked, held)["structuredContent"]
        assert (answer["decision"] == "needs_approval") is seen
    beyond = {"name": REFUND["tool"], "arguments": REFUND["arguments"]}
    narrower = modern("tools/call", beyond, desk_of.mcp_token(scope="read")).json()["result"]["structuredContent"]
    assert narrower["decision"] == "denied" and narrower["action_id"] != pending["action_id"]


def test_page_and_brief_say_how_the_person_is_known(cast, desk_of):
    reader = Client()
    reader.force_login(cast.user("priya"))
    by_token, named = open_trace(desk_of.token()), opened(cast)
    incident = reader.get("/incident/", {"agent": "refunds-agent"}, follow=True).content.decode()
    for trace, words in ((by_token, "Known by token: Maya Chen"), (named, "Named by the agent: refunds-agent")):
        page = reader.get(f"/traces/{trace.pk}/", follow=True).content.decode()
        assert page.count(words) >= 2, "in the Intent section and in the brief"
        assert words in incident


def test_revoked_between_two_calls(desk_of):
    held = desk_of.token()
    trace = open_trace(held)
    post("/oauth/revoke/", {"token": held}, desk_of.client)
    assert tool_call(held, trace).status_code == 401
    assert not Entry.objects.filter(trace=trace, type="action.proposed").exists()
