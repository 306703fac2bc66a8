"""The page on acting for a person: its commands work as they stand, against a server that listens (T12)."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from accounts.models import AgentClient, PersonToken
from remit_client import Remit
from tests.gateway.exchanging import Desk
from traces.models import Trace
from traces.services import opening

PAGE = Path(__file__).parents[2] / "docs/connect/acting-for-a-person.md"


@pytest.fixture
def served(transactional_db, cast, provider, settings, live_server):
    settings.REMIT_AUDIENCE_REST, settings.REMIT_AUDIENCE_MCP = f"{live_server.url}/api/v1", f"{live_server.url}/mcp"
    return Desk(cast, provider, settings), live_server.url


def issued() -> dict[str, str]:
    """The client that the page's own command makes."""
    return told_by(re.search(r"^    (\S+ manage\.py remit_agent_client .*)$", PAGE.read_text(), re.MULTILINE)[1])


def told_by(line: str) -> dict[str, str]:
    """What a command of a page says, in a process of its own on the database of the test."""
    held = connection.settings_dict
    here = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{held['NAME']}").geturl()
    done = subprocess.run(
        ["sh", "-eu", "-c", line], cwd=PAGE.parents[2], env={**os.environ, "DATABASE_URL": here}, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(told.split(": ") for told in done.stdout.splitlines())


def test_the_commands_make_a_client_exchange_call_and_revoke(served):
    desk, url = served
    commands, client = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)[1], issued()
    assert client["client_id"] != desk.client[0] and AgentClient.objects.count() == 2
    given = {
        "REMIT_URL": url,
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "ID_TOKEN": desk.id_token(),
    }
    done = subprocess.run(
        ["sh", "-eu", "-c", commands],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trace, token = Trace.objects.get(kind="work"), PersonToken.objects.get()
    assert trace.pk in done.stdout and trace.on_behalf_of == desk.cast.user("maya")
    assert opening(trace)["token"] == token.name and token.revoked_at is not None and token.scopes == "read"


def test_the_client_library_needs_no_name_where_the_token_has_one(served):
    desk, url = served
    with Remit(url, token=desk.token()) as remit:
        trace = remit.open_trace(intent="Look at order 48213.")
        assert trace.call("desk.order.get", {"order_id": "48213"}).state == "succeeded"
    assert Trace.objects.get(kind="work").on_behalf_of == desk.cast.user("maya")


def test_every_reason_that_the_page_names_is_one_the_code_gives_and_none_is_missing():
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE.read_text().split("| reason |")[1]))
    code = (
        Path(PAGE.parents[2] / "accounts/oidc/tokens.py").read_text()
        + Path(PAGE.parents[2] / "accounts/oidc/subjects.py").read_text()
    )
    given = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', code)) - {"utf-8"}
    of_sign_in = {"wrong-nonce", "wrong-access-token"}
    of_clients = {"no-id", "lives-too-long"}
    assert named - {"provider-unavailable"} == given - of_sign_in - of_clients
