"""Bad input: a clear RFC 9457 answer, a ledger entry where an agent was identified, nothing executed (R-30, V15.3.5)."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import Agent, AgentCredential
from accounts.services import revoke_agent_token, set_agent_state
from actions.models import Action
from gateway.idempotency import once
from tests.builders import opened
from tests.gateway.mcp_client import send
from traces.ledger import verify
from traces.models import Entry, Trace

CALL = {"tool": "desk.order.get", "arguments": {"order_id": "48213"}}


def post(path, body, token, *, raw=None, kind="application/json", key=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Idempotency-Key": key} if key else {}
    data = raw if raw is not None else json.dumps(body).encode()
    return Client().post(f"/api/v1/{path}", data, content_type=kind, headers=headers)


def problem(answer, status):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert (
        body["status"] == status and body["title"] and body["detail"] and body["type"].startswith("urn:remit:problem:")
    )
    return body


def refusals(cast) -> int:
    """Entries in the agent's trace of refusals, whose chain must hold."""
    trace = Trace.objects.filter(agent=cast.agent, kind="refusals").first()
    assert trace is None or verify(trace).ok
    return Entry.objects.filter(trace=trace, type="trace.refused").count() if trace else 0


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (b"{", 400, "Line 1"),
        (b'{"intent": "a", "intent": "b"}', 400, "stands twice"),
        (b'{"intent": NaN}', 400, "NaN"),
        (b'{"intent": 1e999}', 400, "too large"),
        (b'{"intent": 9007199254740993}', 400, "outside"),
        (b'{"intent": ' + b"9" * 5000 + b"}", 400, "outside"),
        (b'{"intent": "\\ud800"}', 400, "lone surrogate"),
        (b'{"intent": "\\u0000"}', 400, "U+0000"),
        (b'{"intent": "\\uffff"}', 400, "noncharacter"),
        (b'{"intent": "\\ufdd0"}', 400, "noncharacter"),
        (b'{"\xf4\x8f\xbf\xbe": ""}', 400, "noncharacter"),
        (b"\xef\xbb\xbf{}", 400, "byte order mark"),
        ('{"intent": "a"}'.encode("utf-16"), 400, "UTF-8"),
        (b"[" * 40 + b"]" * 40, 400, "nested deeper"),
        (b"[" * 30000 + b"]" * 30000, 400, "nested deeper"),
        (b'{"intent": "' + b"a" * 70000 + b'"}', 413, "bytes"),
        (b'{"intent": "a", "on_behalf_of": "maya@northwind.example", "extra": 1}', 422, "/extra"),
        (b'{"intent": 5, "on_behalf_of": "maya@northwind.example"}', 422, "/intent"),
        (b'{"intent": "a", "on_behalf_of": "nobody@northwind.example"}', 422, "on_behalf_of"),
        (b'{"intent": "a", "on_behalf_of": "omar@lakeside.example"}', 422, "on_behalf_of"),
        (b"[]", 422, ""),
        (b"", 422, "required"),
    ],
)
def test_malformed_bodies_are_refused_and_open_no_trace(cast, raw, status, words):
    assert words in problem(post("traces", None, cast.token, raw=raw), status)["detail"]
    assert not Trace.objects.filter(kind="work").exists()
    assert refusals(cast) == 1


def test_json_sent_as_text_is_refused(cast):
    problem(post("traces", {"intent": "a", "on_behalf_of": "maya"}, cast.token, kind="text/plain"), 415)


@pytest.mark.parametrize("token", ["", "rmt_nope", "rmt_00000000_" + "a" * 43, "x" * 5000, "rmt__"])
def test_wrong_tokens_are_401_with_a_challenge(cast, token):
    answer = post("traces", {"intent": "a", "on_behalf_of": "maya@northwind.example"}, token)
    problem(answer, 401)
    asked = answer["WWW-Authenticate"]
    assert asked.startswith("Bearer ") and ('error="invalid_token"' in asked) is bool(token)
    place = asked.split('resource_metadata="')[1].rstrip('"')
    assert Client().get(urlsplit(place).path).json()["resource"] == settings.REMIT_AUDIENCE_REST


def test_expired_revoked_and_disabled_are_told_apart(cast):
    body = {"intent": "a", "on_behalf_of": "maya@northwind.example"}
    credential = AgentCredential.objects.get(agent=cast.agent)
    AgentCredential.objects.filter(pk=credential.pk).update(expires_at=database_now() - timedelta(seconds=1))
    assert problem(post("traces", body, cast.token), 401)["type"].endswith("expired-token")
    AgentCredential.objects.filter(pk=credential.pk).update(expires_at=database_now() + timedelta(days=1))
    set_agent_state(actor=system_actor("tests", ""), agent=cast.agent, state=Agent.State.DISABLED)
    assert problem(post("traces", body, cast.token), 401)["type"].endswith("agent-disabled")
    revoke_agent_token(actor=system_actor("tests", ""), credential=credential)
    assert problem(post("traces", body, cast.token), 401)["type"].endswith("revoked-token")


def test_a_session_cookie_is_no_agent_token(cast):
    client = Client()
    client.force_login(cast.user("dana"), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post("/api/v1/traces", b"{}", content_type="application/json")
    assert answer.status_code == 401


def test_p7_foreign_trace_and_missing_trace_look_alike(cast):
    trace = opened(cast)
    foreign = post("tool-calls", {"trace_id": trace.pk, **CALL}, cast.tokens["front-desk-agent"])
    missing = post(
        "tool-calls", {"trace_id": "trc_01K7QZ4M8T2V00000000000000", **CALL}, cast.tokens["front-desk-agent"]
    )
    assert problem(foreign, 404) == problem(missing, 404)
    told = Entry.objects.filter(trace__agent=cast.agents["front-desk-agent"], type="trace.refused")
    assert told.count() == 2 and trace.pk not in "".join(told.values_list("canonical", flat=True))
    assert not Action.objects.exists()


def test_unknown_tool_is_denied_and_ledgered(cast):
    trace = opened(cast)
    answer = post("tool-calls", {"trace_id": trace.pk, "tool": "desk.order.delete", "arguments": {}}, cast.token)
    assert answer.status_code == 200 and answer.json()["state"] == "denied" and answer.json()["executed"] is False
    assert Entry.objects.filter(trace=trace, type="action.decided").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "order_id is missing"),
        ({"order_id": "48213", "force": True}, "force is not an argument"),
        ({"order_id": 48213}, "must satisfy type"),
        ({"order_id": "../accounts/acct_5521"}, "must satisfy pattern"),
        ({"order_id": "48213\n"}, "must satisfy pattern"),
    ],
)
def test_arguments_outside_the_schema_are_refused_and_ledgered(cast, desk, arguments, words):
    trace = opened(cast)
    before = len(desk.audit())
    answer = post("tool-calls", {"trace_id": trace.pk, "tool": "desk.order.get", "arguments": arguments}, cast.token)
    body = problem(answer, 422)
    assert words in body["detail"] and body["trace_id"] == trace.pk and body["problems"]
    assert Entry.objects.filter(trace=trace, type="trace.refused").exists()
    assert not Action.objects.exists() and len(desk.audit()) == before


def test_bad_step_of_a_plan_names_the_step_and_records_no_plan(cast):
    trace = opened(cast)
    steps = [{"title": "Read", **CALL}, {"title": "Read", "tool": "desk.order.get", "arguments": {"order_id": 1}}]
    body = problem(post(f"traces/{trace.pk}/plan", {"steps": steps}, cast.token), 422)
    assert body["problems"][0]["pointer"] == "/steps/1/arguments/order_id"
    assert not Action.objects.exists()


def test_replayed_key_gives_the_same_answer_and_another_body_is_409(cast, desk):
    trace = opened(cast)
    body = {"trace_id": trace.pk, **CALL}
    first = post("tool-calls", body, cast.token, key="k-1")
    again = post("tool-calls", body, cast.token, key="k-1")
    assert first.json() == again.json() and Action.objects.count() == 1
    other = post("tool-calls", {**body, "arguments": {"order_id": "48377"}}, cast.token, key="k-1")
    assert problem(other, 409)["type"].endswith("idempotency-key-reused")
    assert refusals(cast) == 1
    assert Action.objects.count() == 1


def test_refused_request_does_not_burn_its_key(cast):
    trace = opened(cast)
    bad = {"trace_id": trace.pk, "tool": "desk.order.get", "arguments": {}}
    problem(post("tool-calls", bad, cast.token, key="k-2"), 422)
    assert post("tool-calls", {**bad, "arguments": {"order_id": "48213"}}, cast.token, key="k-2").status_code == 200


def test_f1_retry_after_a_lost_answer_finds_the_recorded_action(cast):
    from actions.models import IdempotencyKey

    trace = opened(cast)
    body = {"trace_id": trace.pk, **CALL}
    first = post("tool-calls", body, cast.token, key="k-3")
    IdempotencyKey.objects.update(status=None, answer=None)  # As if the process died before it stored the answer.
    again = post("tool-calls", body, cast.token, key="k-3")
    assert again.json()["action_id"] == first.json()["action_id"] and Action.objects.count() == 1


@pytest.mark.parametrize("text", ["%00", "trc_%00", "..%2f..", "%F0%9F%98%80", "a" * 3000])
def test_ids_that_are_no_ids_are_404_never_500(cast, text):
    head, rollback = {"Authorization": f"Bearer {cast.token}"}, f"/traces/{opened(cast).pk}/roll-back/"
    for path in ("traces/{}", "actions/{}", "approvals/{}", "plans/{}", "traces/{}/export"):
        assert Client().get(f"/api/v1/{path.format(text)}", headers=head).status_code == 404
    client = Client()
    client.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    for path in (
        "/traces/{}/",
        "/approvals/{}/",
        "/traces/{}/export/",
        "/policies/{}/",
        "/plans/{}/",
        rollback + "?plan={}",
    ):
        assert client.get(path.format(text)).status_code == 404
    assert client.get(f"/search/?q={text}").status_code == 200
    assert client.get(f"/traces/?agent={text}&person={text}&page={text}&outcome={text}").status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "trace"])
def test_a_method_or_an_address_that_is_not_there_is_a_problem_too(cast, method):
    found = problem(getattr(Client(), method)("/api/v1/tool-calls"), 405)
    assert found["detail"] == "It takes POST." and found["type"].endswith("no-such-method")
    for path in ("/api/v1/nowhere", "/api/v1/tools/", "/api/v2/tools", "/mcp/x", "/oauth/register"):
        assert problem(getattr(Client(), method)(path), 404)["type"].endswith("no-such-address")


@pytest.mark.parametrize("size", [65_537, 3_000_000])
def test_a_body_that_is_far_too_large_is_refused_at_each_door(cast, size):
    raw = b'"' + b"a" * (size - 2) + b'"'
    assert problem(post("tool-calls", None, cast.token, raw=raw), 413)["type"].endswith("too-large")
    assert refusals(cast) == 1
    mcp = send(None, cast.token, raw=raw)
    assert (mcp.status_code, mcp.json()["error"]["code"]) == (413, -32700)


def test_a_key_of_one_long_address_is_not_anothers(cast):
    """Names of tools are up to 120 characters long, and may differ at their ends alone."""

    def asked(route: str) -> int:
        found = once(
            cast.agent,
            route=route,
            key="k-1",
            raw=b"{}",
            work=lambda pk: (200, {"pk": pk}),
            resume=lambda pk: (200, {}),
        )
        return found[1]["pk"]

    long = "tools/" + "a" * 119
    assert asked(long + "b") == asked(long + "b") != asked(long + "c")


def test_names_of_any_length_that_a_tool_does_not_know_are_told_shortly_in_answer_and_ledger(cast):
    names = {f"{number}{'n' * 6_000}": 1 for number in range(8)}
    call = {"trace_id": opened(cast).pk, **CALL}
    body = problem(post("tool-calls", {**call, "arguments": {**CALL["arguments"], **names}}, cast.token), 422)
    (told,) = body["problems"]
    assert "0nnn" in told["message"] and "4nnn" in told["message"] and "5nnn" not in told["message"]
    assert "… and 3 more is not an argument of this tool." in told["message"] and len(told["message"]) < 500
    beside = problem(
        post("tool-calls", {**call, **names, **{f"n{number}": 1 for number in range(40)}}, cast.token), 422
    )
    assert len(beside["problems"]) == 20 and max(len(one["pointer"]) for one in beside["problems"]) < 70
    assert max(map(len, Entry.objects.filter(type="trace.refused").values_list("canonical", flat=True))) < 5_000
