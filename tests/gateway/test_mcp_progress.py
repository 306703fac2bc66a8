"""A client that asks for progress hears that a held answer is still coming, on the answer's own stream; others get JSON."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import OperationalError
from django.test import AsyncClient, AsyncRequestFactory

from gateway.mcp.toolbox import Hold
from gateway.mcp.view import endpoint
from sample.agent.__main__ import STEPS
from tests.gateway.mcp_client import META, MODERN, call
from tests.gateway.test_asked_again import approved

REFUND = STEPS[1]
STREAM = "application/json, text/event-stream"


def asked(name: str, arguments: dict, token: str, *, accept=STREAM, progress: Any = "p-1") -> dict[str, Any]:
    """What AsyncClient.post takes."""
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    meta |= {} if progress is None else {"progressToken": progress}
    params = {"name": name, "arguments": arguments, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    head = {"Authorization": f"Bearer {token}", "Accept": accept, "MCP-Protocol-Version": MODERN}
    head |= {"Mcp-Method": "tools/call", "Mcp-Name": name}
    return {"path": "/mcp", "data": json.dumps(body), "content_type": "application/json", "headers": head}


def events_of(chunks) -> list[dict]:
    return [json.loads(chunk.decode().removeprefix("event: message\ndata: ")) for chunk in chunks]


@async_to_sync
async def answered(given: dict[str, Any], meanwhile=None):
    """The answer; of a stream its events. `meanwhile` runs after the first one."""
    answer = await AsyncClient().post(**given)
    if not answer.streaming:
        return answer, []
    chunks = []
    async for chunk in answer.streaming_content:
        chunks.append(chunk)
        if meanwhile and len(chunks) == 1:
            await sync_to_async(meanwhile)()
    return answer, events_of(chunks)


@pytest.fixture
def waiting(cast) -> dict:
    return call(REFUND["tool"], REFUND["arguments"], cast.token)["structuredContent"]


def wait_for(waiting, cast, **more) -> dict[str, Any]:
    return asked("approval_wait", {"approval_id": waiting["approval_id"], "seconds": 20}, cast.token, **more)


def test_notices_come_first_and_the_answer_of_the_people_last(cast, waiting):
    answer, events = answered(wait_for(waiting, cast), lambda: approved(cast, waiting["action_id"]))
    assert answer["Content-Type"] == "text/event-stream" and answer["Cache-Control"] == "no-store"
    *notices, last = events
    assert [(one["method"], one["params"]["progressToken"]) for one in notices] == [("notifications/progress", "p-1")]
    assert last["id"] == 7 and last["result"]["structuredContent"]["decision"] == "executed"
    assert last["result"]["resultType"] == "complete"


@pytest.mark.parametrize(
    "other", [{"accept": "application/json"}, {"progress": None}, {"progress": True}, {"progress": {}}]
)
def test_who_does_not_ask_gets_one_json_answer_or_a_refusal(cast, waiting, other):
    approved(cast, waiting["action_id"])
    answer, events = answered(wait_for(waiting, cast, **other))
    assert not events and answer["Content-Type"] == "application/json"


def test_what_is_answered_at_once_is_no_stream(cast):
    read = STEPS[0]
    answer, events = answered(asked(read["tool"], read["arguments"], cast.token))
    assert not events and answer.json()["result"]["structuredContent"]["decision"] == "executed"


class Broken:
    """A toolbox whose database goes away: at the call, or while the answer is held."""

    def __init__(self, *, held: bool) -> None:
        self.held = held

    def granted(self, name: str) -> dict[str, Any] | None:
        return {"name": name, "inputSchema": {}}

    def refused(self, fault) -> None:
        raise AssertionError(fault)

    def call(self, message):
        return Hold(5, self.again) if self.held else self.again(False)

    def again(self, over: bool):
        raise OperationalError("gone")


@async_to_sync
async def at(box, **more):
    given = asked("a.b", {}, "x", **more)
    answer = await endpoint(lambda token: box)(AsyncRequestFactory().post(**given))
    chunks = [chunk async for chunk in answer.streaming_content] if answer.streaming else []
    return answer, events_of(chunks)


@pytest.mark.parametrize("held", [True, False])
def test_a_database_that_goes_away_is_told_as_that(db, held):
    answer, _ = at(Broken(held=held), progress=None)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_database_that_goes_away_ends_a_stream_with_an_error(db):
    _, (notice, last) = at(Broken(held=True))
    assert notice["method"] == "notifications/progress"
    assert (last["id"], last["error"]["code"]) == (7, -32603) and "again in a moment" in last["error"]["message"]


def test_a_fault_of_ours_is_an_answer_of_the_protocol(db):
    box = Broken(held=False)
    box.again = lambda over: {}[over]
    answer, _ = at(box, progress=None)
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (500, -32603)


class Slow(Broken):
    """A toolbox that takes its time."""

    def call(self, message):
        return Hold(2, self.again, every=0.1)

    def again(self, over: bool):
        return {"content": []} if over else Hold(0, self.again)


def test_each_notice_is_further_than_the_last_and_says_nothing_of_the_call(db):
    _, (*notices, last) = at(Slow(held=True), progress=12)
    gone = [one["params"]["progress"] for one in notices]
    assert len(gone) > 1 and gone == sorted(set(gone)) and last["result"]["content"] == []
    assert {one["params"]["message"] for one in notices} == {"Waiting."}
    assert {(one["params"]["progressToken"], one["params"]["total"]) for one in notices} == {(12, 2)}
