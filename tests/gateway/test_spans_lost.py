"""Whoever receives spans may be down or never answer: no call fails and none waits."""

import time

import pytest

from sample.agent.__main__ import STEPS
from tests.desk.running import free_port
from tests.gateway.otlp import Receiver, Web
from traces.checkpoints.clock import tick


@pytest.fixture(params=["nobody is there", "never answers"])
def endpoint(request):
    if request.param == "nobody is there":
        yield f"http://127.0.0.1:{free_port()}/v1/traces"
        return
    found = Receiver(silent=True)
    yield found.url
    found.stop()


def test_calls_go_on_as_ever(transactional_db, cast, endpoint, tmp_path):
    tick()
    web = Web(tmp_path / "web.log", REMIT_OTLP_ENDPOINT=endpoint)
    try:
        body = {"intent": "Look at an order", "on_behalf_of": "maya@northwind.example"}
        trace_id = web.ask("/api/v1/traces", body, cast.token).json()["trace_id"]
        call = {"trace_id": trace_id, "tool": STEPS[0]["tool"], "arguments": STEPS[0]["arguments"]}
        began = time.monotonic()
        states = {web.ask("/api/v1/tool-calls", call, cast.token).json()["state"] for _ in range(8)}
        assert states == {"succeeded"} and time.monotonic() - began < 40
        assert web.process.poll() is None
    finally:
        web.stop()
