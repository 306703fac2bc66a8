"""A stream that stays open after its answer costs a moment, and the rest of the attempt keeps its time."""

import json
import time

from actions.offers import Choice
from tests.upstreams.server import BEFORE, upstream
from tests.upstreams.test_talking import call, lists


def left_open(handler):
    """The answer as an event, on a stream that goes on without an end for a while."""
    listed = {"jsonrpc": "2.0", "id": handler.ident, "result": {"tools": handler.upstream.tools}}
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    handler.wfile.write(b"data: " + json.dumps(listed).encode() + b"\n\n")
    handler.wfile.flush()
    time.sleep(1.5)
    handler.hang_up()


def test_a_stream_that_stays_open_is_left_and_the_next_call_is_done():
    with upstream(BEFORE) as server:
        server.instead["tools/list"] = left_open
        began = time.monotonic()
        assert "echo" in lists(server) and time.monotonic() - began < 1.2
        assert call(server, "note_add", Choice("side_effect", "irreversible")).kind == "done"


def test_the_rest_of_an_attempt_has_its_whole_time():
    """Twenty short waits for the ends of streams are not taken from the attempt's deadline."""
    with upstream(BEFORE) as server:
        server.stream = True

        def slowly(handler):
            time.sleep(0.4)
            handler.result({"tools": server.tools, **({"nextCursor": "x"} if len(server.requests) < 5 else {})})

        server.instead["tools/list"] = slowly
        server.tools = []
        assert lists(server, timeout_s=5) == {}
