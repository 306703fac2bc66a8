"""The envelope and its headers: who is refused, in which order, with which code (M-01, M-02, M-06)."""

import json

import pytest
from django.test import Client

from actions.models import Action
from gateway.mcp import param_headers
from gateway.mcp.wire import Fault
from tests.gateway.mcp_client import META, MODERN, call, handshake, modern, send
from traces.models import Trace
from traces.services import opening

ORDER = ("desk.order.get", {"order_id": "48213"})
ENVELOPES = [
    ([], -32600), ({}, -32600), ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, -32600),
    ({"jsonrpc": "2.0", "id": True, "method": "ping"}, -32600), ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "extra": 1}, -32600),
    ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], -32600),
]  # fmt: skip


@pytest.mark.parametrize("token", ["", "rmt_00000000_" + "a" * 43, "nothing"])
def test_m02_without_a_good_token_nothing_is_read(cast, token):
    answer = send(None, token, raw=b"{")
    asked = answer["WWW-Authenticate"]
    assert answer.status_code == 401 and asked.startswith("Bearer ")
    assert ('error="invalid_token"' in asked) is bool(token), "Only a token that was shown is no good (RFC 6750)."


def test_only_post_is_there_and_only_json_and_no_other_sites_page(cast):
    bearer = {"Authorization": f"Bearer {cast.token}"}
    for method in ("get", "delete", "put"):
        assert getattr(Client(), method)("/mcp", headers=bearer).status_code == 405
    assert Client().post("/mcp", "{}", content_type="text/plain", headers=bearer).status_code == 415
    for origin, status in (
        ("https://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://localhost:9", 400),
    ):
        assert send({}, cast.token, headers={"Origin": origin}).status_code == status


@pytest.mark.parametrize(("body", "code"), ENVELOPES)
def test_an_envelope_that_does_not_fit_is_refused(cast, body, code):
    answer = send(body, cast.token)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == code


def test_errors_come_in_the_order_of_the_protocol(cast):
    """Unknown method before any header; version before _meta; _meta before the headers that route."""
    assert modern("no/such", {}, cast.token, headers={"Mcp-Method": "tools/list"}).status_code == 404
    for versions, code in (({"MCP-Protocol-Version": "v9"}, -32022), ({"MCP-Protocol-Version": ""}, -32020)):
        answer = modern("tools/list", {}, cast.token, headers=versions)
        assert answer.status_code == 400 and answer.json()["error"]["code"] == code and answer.json()["id"] == 7
    other = modern("tools/list", {}, cast.token, meta={f"{META}protocolVersion": "v9"})
    assert other.json()["error"]["code"] == -32020
    bare = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {}}
    assert send(bare, cast.token, headers={"MCP-Protocol-Version": MODERN}).json()["error"]["code"] == -32602


@pytest.mark.parametrize("headers", [{"Mcp-Method": "ping"}, {"Mcp-Method": ""}, {"Mcp-Name": "x"}, {"Mcp-Name": ""}])
def test_m06_a_header_that_does_not_say_what_the_body_says_is_refused(cast, headers):
    answer = modern("tools/call", {"name": ORDER[0], "arguments": ORDER[1]}, cast.token, headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == -32020 and not Action.objects.exists()
    blanks = modern(
        "tools/call", {"name": ORDER[0], "arguments": ORDER[1]}, cast.token, headers={"Mcp-Name": f" {ORDER[0]}\t"}
    )
    assert blanks.status_code == 200


def test_m06_arguments_repeated_in_headers_must_be_the_same():
    schema = {"properties": {"to": {"type": "string", "x-mcp-header": "To"}, "other": {}}}
    for sent in ("Hello", " Hello ", "=?base64?SGVsbG8=?="):
        param_headers.check(schema, {"to": "Hello"}, {"Mcp-Param-To": sent})
    param_headers.check(schema, {"other": 1}, {})
    for headers in ({}, {"Mcp-Param-To": "hello"}, {"Mcp-Param-To": "=?base64?SGVsbG8?="}):
        with pytest.raises(Fault):
            param_headers.check(schema, {"to": "Hello"}, headers)


def test_notifications_are_taken_and_answered_by_nothing(cast):
    for note in ({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},):
        answer = send(note, cast.token)
        assert answer.status_code == 202 and not answer.content


def test_a_call_belongs_to_the_trace_it_names_or_to_the_one_that_was_opened(cast):
    def trace_of(**said) -> str:
        meta = {f"remit/{name}": value for name, value in said.items()}
        return call(*ORDER, cast.token, meta=meta)["structuredContent"]["trace_id"]

    alone = trace_of()
    assert trace_of() == alone and Trace.objects.get(pk=alone).on_behalf_of == cast.agent.owner
    refund = trace_of(intent="Refund the duplicate.", on_behalf_of="maya@northwind.example")
    assert refund != alone and Trace.objects.get(pk=refund).on_behalf_of == cast.user("maya")
    assert trace_of(intent="Refund the duplicate.", on_behalf_of="maya@northwind.example") == refund
    opened = call("trace_open", {"intent": "Close the month."}, cast.token)["structuredContent"]["trace_id"]
    assert trace_of() == opened and trace_of(trace_id=refund) == refund
    assert Action.objects.filter(trace=refund).latest("created_at").requester == cast.user("maya")
    for wrong in (
        {"trace_id": "trc_00000000000000000000000000"},
        {"on_behalf_of": "omar@lakeside.example"},
        {"trace_id": refund, "on_behalf_of": "dana@northwind.example"},
        {"intent": 5},
    ):
        meta = {f"remit/{name}": value for name, value in wrong.items()}
        answer = modern("tools/call", {"name": ORDER[0], "arguments": ORDER[1]}, cast.token, meta=meta)
        assert answer.status_code == 400 and answer.json()["error"]["code"] == -32602, wrong


def test_a01_a_model_says_its_intent_but_not_for_whom(cast):
    result = call("trace_open", {"intent": "Close.", "on_behalf_of": "maya@northwind.example"}, cast.token)
    assert (
        result["isError"]
        and "/on_behalf_of" in result["content"][0]["text"]
        and not Trace.objects.filter(kind="work").exists()
    )


def test_a_long_silence_begins_another_trace(cast, settings):
    first = call(*ORDER, cast.token)["structuredContent"]["trace_id"]
    settings.REMIT_TRACE_IDLE_S = 0
    assert call(*ORDER, cast.token)["structuredContent"]["trace_id"] != first


def test_the_handshake_era_may_say_its_trace_too(cast):
    params = {"name": ORDER[0], "arguments": ORDER[1], "_meta": {"remit/intent": "Look it up."}}
    told = handshake("tools/call", params, cast.token).json()["result"]["structuredContent"]
    assert opening(Trace.objects.get(pk=told["trace_id"]))["intent"] == "Look it up."
    assert json.loads(json.dumps(told))["decision"] == "executed"
