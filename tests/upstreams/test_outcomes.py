"""What an MCP answer proves: only a whole result is done, only what never began is no effect (F-02, F11, guarantees 4.1)."""

import time

import pytest

from actions.offers import Choice
from tests.upstreams.server import hang, upstream
from tests.upstreams.test_talking import call, lists

WRITES = Choice("side_effect", "irreversible")
TRUSTS_ERRORS = Choice("side_effect", "irreversible", error_is_no_effect=True)
ERROR = {"content": [{"type": "text", "text": "No such list."}], "isError": True}


@pytest.fixture
def server():
    with upstream() as found:
        lists(found)
        yield found


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "400")
    handler.end_headers()
    handler.wfile.write(b'{"jsonrpc":')
    handler.hang_up()


FAULTS = {
    "cut": cut,
    "hang": hang,
    "500": lambda handler: handler.say(500, b"{}"),
    "redirect": lambda handler: handler.say(307, b"", Location="http://127.0.0.1:1/"),
    "accepted": lambda handler: handler.say(202, b""),
    "html": lambda handler: handler.say(200, b"<html>", "text/html"),
    "other id": lambda handler: handler.say(200, b'{"jsonrpc":"2.0","id":99,"result":{"content":[]}}'),
    "server error": lambda handler: handler.error(-32603, "Internal error"),
    "asks back": lambda handler: handler.result({"resultType": "input_required", "inputRequests": {}}),
    "huge": lambda handler: handler.say(200, b" " * 2_000_000),
    "reset": lambda handler: handler.hang_up(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_may_have_happened_is_unknown(server, fault):
    server.instead["tools/call"] = FAULTS[fault]
    assert call(server, "note_add", WRITES, timeout_s=0.6).kind == "unknown"
    assert server.methods().count("tools/call") == 1, "a call was sent twice"


@pytest.mark.parametrize("fault", ["cut", "500", "html", "server error"])
def test_what_only_reads_changes_nothing_however_it_ends(server, fault):
    server.instead["tools/call"] = FAULTS[fault]
    assert call(server).kind == "no_effect"


@pytest.mark.parametrize(
    "refusal",
    [lambda handler: handler.say(401, b"{}"), lambda handler: handler.say(404, b""),
     lambda handler: handler.error(-32602, "Unknown tool", 400), lambda handler: handler.error(-32601, "No such method")],
)  # fmt: skip
def test_what_was_never_begun_had_no_effect(server, refusal):
    server.instead["tools/call"] = refusal
    assert call(server, "note_add", WRITES).kind == "no_effect"


def test_an_error_of_the_tool_is_unknown_until_an_admin_says_what_it_proves(server):
    server.result = ERROR
    said = call(server, "note_add", WRITES)
    assert said.kind == "unknown" and "No such list." in said.detail
    assert call(server, "note_add", TRUSTS_ERRORS).kind == "no_effect"
    assert call(server).kind == "no_effect"


def test_a_structured_answer_must_fit_what_the_server_declared(server):
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    server.tools[1]["outputSchema"] = schema
    server.result = {"content": [], "structuredContent": {"id": 7}}
    done = call(server, "note_add", WRITES)
    assert done.kind == "done" and done.body == {"text": "", "structured": {"id": 7}}
    for misfit in ({"id": "7"}, None):
        server.result = {"content": [], **({"structuredContent": misfit} if misfit else {})}
        assert call(server, "note_add", WRITES).kind == "unknown"


def test_what_is_not_text_is_named_and_not_kept(server):
    server.result = {
        "content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}, {"type": "text", "text": "x"}]
    }
    assert call(server).body == {"text": "x", "not_kept": ["image"]}


def test_a_server_that_is_gone_had_no_effect():
    with upstream() as found:
        pass
    assert call(found, "note_add", WRITES, timeout_s=1).kind == "no_effect"


def test_a_connection_that_was_closed_meanwhile_is_not_taken_for_a_lost_answer(server):
    def answer_and_leave(handler):
        handler.result({"tools": server.tools})
        handler.hang_up()

    server.instead["tools/list"] = answer_and_leave
    lists(server)
    time.sleep(0.1)
    assert call(server, "note_add", WRITES).kind == "done" and server.notes == ["hello"]
