"""Spans of a call reach a real receiver, sent by the real web process and worker, under the caller's own trace."""

import pytest

from actions.models import Action
from sample.agent.__main__ import INTENT, STEPS
from tests.builders import request_of, vote
from tests.faults.conftest import broker, sender
from tests.faults.running import start_worker
from tests.faults.test_doorbell import own_bell
from tests.gateway.mcp_client import META, MODERN
from tests.gateway.otlp import Receiver, Web, said
from traces.checkpoints.clock import tick
from traces.models import Trace

__all__ = ["broker", "own_bell", "sender"]
CALLER = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{CALLER}-b7ad6b7169203331-01"
UNSAMPLED = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
REFUND = STEPS[1]


@pytest.fixture
def receiver():
    found = Receiver()
    yield found
    found.stop()


@pytest.fixture
def told(broker, receiver) -> dict[str, str]:
    """What processes of this test need to tell the receiver, beside a bell of their own."""
    headers = "x-team=support, x-key=receiver-secret"
    return {"BROKER_URL": broker.url, "REMIT_OTLP_ENDPOINT": receiver.url, "REMIT_OTLP_HEADERS": headers}


@pytest.fixture
def web(transactional_db, cast, told, tmp_path):
    running = Web(tmp_path / "web.log", **told)
    yield running
    running.stop()


@pytest.fixture
def worker(transactional_db, broker, told, own_bell, tmp_path):
    running = start_worker(broker, tmp_path / "worker.log", **{k: v for k, v in told.items() if k != "BROKER_URL"})
    yield running
    running.terminate()
    running.wait(timeout=30)


def opened(web, cast, **headers: str) -> str:
    body = {"intent": INTENT, "on_behalf_of": "maya@northwind.example"}
    return web.ask("/api/v1/traces", body, cast.token, **headers).json()["trace_id"]


def mcp(web, cast, tool: str, arguments: dict, meta: dict):
    sent = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}, **meta}
    body = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": sent},
    }
    names = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": tool}
    return web.ask("/mcp", body, cast.token, **names).json()["result"]["structuredContent"]


def test_a_call_that_waits_is_two_traces_joined_by_a_link(web, worker, cast, receiver):
    trace_id = opened(web, cast)
    call = {"trace_id": trace_id, "tool": REFUND["tool"], "arguments": REFUND["arguments"]}
    answer = web.ask("/api/v1/tool-calls", call, cast.token, traceparent=PARENT, tracestate="shop=a1")
    assert answer.status_code == 202
    served, decided = receiver.named("POST /api/v1/tool-calls"), receiver.named(f"decide {REFUND['tool']}")
    assert served.trace_id.hex() == CALLER and served.parent_span_id.hex() == "b7ad6b7169203331"
    assert (served.kind, served.trace_state) == (served.SPAN_KIND_SERVER, "shop=a1")
    assert (decided.trace_id, decided.parent_span_id) == (served.trace_id, served.span_id)
    told = said(decided)
    assert said(served) | told == said(served) and said(served)["http.response.status_code"] == 202
    assert (told["remit.decision"], told["remit.state"], told["remit.policy"]) == ("approval", "pending", "support")
    request = request_of(Trace.objects.get(pk=trace_id), REFUND["tool"])
    assert (told["remit.approval.id"], told["remit.approval.state"]) == (request.pk, "open")

    tick()
    for name in ("priya", "tomas"):
        vote(cast, request, name)
    ran = receiver.named(f"execute_tool {REFUND['tool']}", within_s=60)
    assert ran.trace_id != served.trace_id and not ran.parent_span_id
    assert [(link.trace_id, link.span_id) for link in ran.links] == [(decided.trace_id, decided.span_id)]
    told = said(ran)
    assert (told["gen_ai.operation.name"], told["gen_ai.tool.name"]) == ("execute_tool", REFUND["tool"])
    assert (told["remit.state"], told["remit.approval.state"], told["remit.trace.id"]) == (
        "succeeded",
        "approved",
        trace_id,
    )
    _no_values(receiver, cast)


def _no_values(receiver: Receiver, cast) -> None:
    """Nothing of the intent, the arguments, the people, the tokens or the receiver's own secret is in what was sent."""
    assert receiver.headers["x-key"] == "receiver-secret" and receiver.headers["x-team"] == "support"
    arguments = [str(value) for value in REFUND["arguments"].values() if isinstance(value, str)]
    for text in (INTENT[:40], "Maya", "northwind.example", cast.token, cast.token[:12], "receiver-secret", *arguments):
        assert text and text.encode() not in receiver.raw, text
    assert REFUND["tool"].encode() in receiver.raw


def test_an_mcp_call_that_runs_is_one_trace_of_its_caller(web, cast, receiver):
    tick()
    read = STEPS[0]
    told = mcp(web, cast, read["tool"], read["arguments"], {"traceparent": PARENT})
    assert told["decision"] == "executed"
    served, ran = receiver.named(f"tools/call {read['tool']}"), receiver.named(f"execute_tool {read['tool']}")
    assert served.trace_id.hex() == CALLER and served.kind == served.SPAN_KIND_SERVER
    assert (ran.trace_id, ran.parent_span_id, list(ran.links)) == (served.trace_id, served.span_id, [])
    sent = said(served)
    assert (sent["mcp.method.name"], sent["mcp.protocol.version"], sent["jsonrpc.request.id"]) == (
        "tools/call",
        MODERN,
        "7",
    )
    assert (sent["remit.decision"], sent["remit.action.id"]) == ("allow", told["action_id"])
    assert Action.objects.get(pk=told["action_id"]).traceparent.startswith(f"00-{CALLER}-")


def test_an_error_is_told_by_its_kind_and_an_unsampled_or_broken_trace_refuses_nothing(web, cast, receiver):
    denied = {"trace_id": "my-card-4111", "arguments": {"note": "hunter2"}, "tool": "no.such.hunter2"}
    answer = web.ask("/api/v1/tool-calls", denied, cast.token, traceparent=f"{PARENT}-more")
    assert answer.status_code == 404
    assert opened(web, cast, traceparent=UNSAMPLED) and opened(web, cast, traceparent="00-" + "0" * 32 + "-nonsense")
    trace_id = opened(web, cast)
    unknown = web.ask("/api/v1/tool-calls", denied | {"trace_id": trace_id}, cast.token).json()
    assert unknown["state"] == "denied"
    decided = receiver.named("decide")
    assert "gen_ai.tool.name" not in said(decided) and said(decided)["remit.decision"] == "deny"
    assert b"hunter2" not in receiver.raw and b"4111" not in receiver.raw
    assert UNSAMPLED[3:35] not in {span.trace_id.hex() for span in receiver.spans}
