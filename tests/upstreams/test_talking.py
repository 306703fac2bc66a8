"""Talking to MCP servers over HTTP: both eras, one kept connection, lists that no honest server sends (R-22, R-30, R-32)."""

import json
import threading
from dataclasses import replace

import pytest

from accounts.egress import EgressRefused, kept
from actions.connectors.base import ConnectionInfo, ReadFailed
from actions.connectors.mcp.connector import McpConnector
from actions.connectors.operation import parse_operation
from actions.offers import Choice, definition_of, mcp_offers
from tests.upstreams.server import BEFORE, ECHO, MODERN, hang, upstream

CONNECTOR = McpConnector()
NONE = {"auth": {"kind": "none"}}


@pytest.fixture(params=[MODERN, BEFORE])
def server(request):
    with upstream(request.param) as found:
        yield found


@pytest.fixture
def modern():
    with upstream() as found:
        yield found


def info_of(server, **more) -> ConnectionInfo:
    values = {"options": NONE, "id": f"con_{server.url}", "allow_private": True} | more
    return ConnectionInfo("notes", "mcp", server.url, "", "a-standing-secret", **values)


def credential(info):
    return CONNECTOR.mint(info, scope=("mcp:call",), record=None, ttl_s=60, reference="act_x", timeout_s=5)


def lists(server, timeout_s=5.0, **more):
    info = info_of(server, **more)
    return CONNECTOR.list_tools(info, credential(info), timeout_s=timeout_s)


def operation_of(server, key, choice):
    offers = {offer.key: offer for offer in mcp_offers("notes", server.tools)}
    return parse_operation(definition_of(offers[key], choice, offers)["operation"])


def call(server, key="echo", choice=None, timeout_s=5.0, text="hello", **more):
    info = info_of(server, **more)
    operation = operation_of(server, key, choice or Choice("read", "reversible"))
    sent = CONNECTOR.compose(operation, {"text": text}, {}, version=None, idempotency_key="k", action_id="act_x")
    return CONNECTOR.dispatch(info, operation, sent, credential(info), timeout_s=timeout_s)


def test_a_tool_is_listed_and_called_in_either_era(server):
    assert lists(server)["echo"] == ECHO
    done = call(server)
    assert (done.kind, done.body) == ("done", {"text": "hello"})


def test_a_stream_is_read_up_to_the_answer(server):
    server.stream = True
    assert call(server).body == {"text": "hello"}


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_is_agreed_or_connected_twice(server, stream):
    server.stream = stream
    for _ in range(5):
        lists(server)
        call(server)
    assert server.connections == 1, "every call made its own connection"
    opening = {"server/discover", "initialize", "notifications/initialized"}
    assert len([method for method in server.methods() if method in opening]) <= 3
    assert server.methods().count("tools/call") == 5


def test_calls_at_once_do_not_mix(server):
    lists(server)
    answers: dict[str, object] = {}

    def one(n: int) -> None:
        answers[f"text {n}"] = call(server, text=f"text {n}").body

    threads = [threading.Thread(target=one, args=(n,)) for n in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert answers == {f"text {n}": {"text": f"text {n}"} for n in range(12)}


def test_connections_and_secrets_share_nothing(modern):
    lists(modern)
    lists(modern, id="con_other")
    assert modern.connections == 2
    for secret in ("the one", "the next"):
        info = replace(info_of(modern, options={"auth": {"kind": "static"}}), client_secret=secret)
        CONNECTOR.list_tools(info, credential(info), timeout_s=5)
    assert modern.connections == 4


def test_the_stateless_era_says_in_headers_what_the_body_says(modern):
    call(modern, options={"auth": {"kind": "static"}})
    method, headers = modern.requests[-1]
    assert method == "tools/call" and headers["Mcp-Method"] == "tools/call" and headers["Mcp-Name"] == "echo"
    assert headers["MCP-Protocol-Version"] == MODERN and headers["X-Action-Id"] == "act_x"
    assert headers["Authorization"] == "Bearer a-standing-secret"


def test_our_own_secret_is_masked_where_a_server_repeats_it(modern):
    assert call(modern, text="a-standing-secret").body == {"text": "[credential]"}


def refuse_lists(server, *words, timeout_s=5.0):
    with pytest.raises(ReadFailed) as said:
        lists(server, timeout_s=timeout_s)
    assert all(word in str(said.value) for word in words), said.value


def test_ten_thousand_tools_are_refused(modern):
    modern.tools = [{**ECHO, "name": f"t{n}", "description": ""} for n in range(10_000)]
    refuse_lists(modern)
    modern.tools = modern.tools[:501]
    refuse_lists(modern, "more than 500 tools")


def test_a_list_without_end_is_refused(modern):
    names = iter(range(10_000))

    def page(handler):
        handler.result({"tools": [{**ECHO, "name": f"t{next(names)}"}], "nextCursor": "more"})

    modern.instead["tools/list"] = page
    refuse_lists(modern, "more than 20 pages")


def test_duplicate_names_are_refused(modern):
    modern.tools = [ECHO, {**ECHO, "description": "Another one."}]
    refuse_lists(modern, "echo twice")


@pytest.mark.parametrize(
    "tool", [{"name": "x"}, {"name": "", "inputSchema": {}}, {"name": "a b", "inputSchema": {}}, "x"]
)
def test_tools_that_are_none_are_refused(modern, tool):
    modern.tools = [tool]
    refuse_lists(modern)


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"jsonrpc":"2.0","id":1,"id":2,"result":{}}', b'{"jsonrpc":"2.0","id":1,"result":{"tools":[NaN]}}',
     b'{"a":' * 40 + b"1" + b"}" * 40, b"\xff\xfe", b"[]"],
)  # fmt: skip
def test_answers_that_are_no_i_json_are_refused(modern, body):
    modern.instead["tools/list"] = lambda handler: handler.say(200, body)
    refuse_lists(modern, "something unreadable")


def test_a_huge_answer_is_cut_off(modern):
    modern.instead["tools/list"] = lambda handler: handler.say(200, b" " * 3_000_000)
    refuse_lists(modern, "did not arrive")


def test_a_redirect_is_not_followed_with_the_secret(modern):
    with upstream() as other:
        modern.instead["tools/list"] = lambda handler: handler.say(307, b"", Location=other.url)
        refuse_lists(modern, "307")
        assert other.requests == [] and other.connections == 0


def test_a_server_that_hangs_is_left_in_time(modern):
    modern.instead["tools/list"] = hang
    refuse_lists(modern, "did not arrive", timeout_s=0.4)


def test_a_private_address_needs_the_opt_in(modern):
    refused = info_of(modern, allow_private=False)
    with pytest.raises(ReadFailed, match="asked by http"):
        CONNECTOR.list_tools(refused, credential(info_of(modern)), timeout_s=1)
    with pytest.raises(EgressRefused), kept("https://127.0.0.1/", owner="x", allow_private=False, timeout_s=1):
        pass
    assert modern.connections == 0


def test_a_kept_connection_is_not_used_for_an_address_that_became_private(modern, monkeypatch):
    """Each call resolves and checks anew, also where a connection is open (R-32)."""
    lists(modern)
    with pytest.raises(ReadFailed, match=r"not a public address|asked by http"):
        lists(modern, allow_private=False)
    assert json.dumps(modern.methods()).count("tools/list") == 1
