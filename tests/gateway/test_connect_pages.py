"""The commands that docs/connect gives for a shell work as they stand, against a server that listens (T12).

The Python of those pages is run by tests/adapters, each with its own SDK; acting for a person has tests of its own.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from accounts.client_documents import forget_documents
from accounts.services import name_agent_client
from actions.models import Action
from gateway.mcp.answers import OUTPUT_SCHEMA
from tests.gateway.client_document import Site
from traces.models import Trace
from traces.services import opening

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "connect"


@pytest.fixture
def served(transactional_db, cast, desk, live_server) -> dict[str, str]:
    """What the reader of a page has in the environment."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {"PATH": path, "PYTHONPATH": str(ROOT / "client"), "VAULT_ID": "vault-1"}
    return env | {"REMIT_URL": live_server.url, "REMIT_AGENT_TOKEN": cast.token}


def commands(page: str) -> str:
    return re.search(r"```sh\n(.*?)```", (FOLDER / page).read_text(), re.DOTALL)[1]


def run(command: str, env: dict[str, str], cwd: Path) -> str:
    done = subprocess.run(["sh", "-eu", "-c", command], cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_page_with_commands_for_a_shell_is_run():
    tested = {"acting-for-a-person", "any-mcp-client", "client-documents", "microsoft-365"}
    fences = {path.stem: path.read_text().split("```")[1::2] for path in FOLDER.glob("*.md")}
    shells = {
        name for name, found in fences.items() if {"", "sh", "bash", "console"} & {f.split("\n")[0] for f in found}
    }
    assert shells == tested


def test_any_client_lists_and_calls_with_an_address_and_a_header(served, cast, tmp_path):
    said = run(commands("any-mcp-client.md"), served, tmp_path)
    decoder = json.JSONDecoder()
    listed, end = decoder.raw_decode(said)
    called, _ = decoder.raw_decode(said[end:].lstrip())
    names = {tool["name"] for tool in listed["result"]["tools"]}
    assert {"desk.order.get", "trace_open", "approval_wait", "approval_answer", "approval_withdraw"} <= names
    assert called["result"]["structuredContent"]["decision"] == "executed"
    trace = Trace.objects.get(kind="work")
    assert opening(trace)["intent"] == "Look at order 48213." and trace.on_behalf_of == cast.user("maya")


def test_a_client_named_by_a_document_gets_a_token(served, cast, settings, tmp_path):
    settings.REMIT_CIMD_HOSTS, settings.REMIT_CIMD_ALLOW_PRIVATE = ["127.0.0.1"], True
    settings.REMIT_BASE_URL, settings.REMIT_AUDIENCE_MCP = served["REMIT_URL"], f"{served['REMIT_URL']}/mcp"
    forget_documents()
    site = Site()
    try:
        name_agent_client(actor=cast.agent_actor, agent=cast.agent, url=site.url)
        said = json.loads(run(commands("client-documents.md"), served | {"ASSERTION": site.assertion()}, tmp_path))
    finally:
        site.stop()
    told = run(commands("any-mcp-client.md"), served | {"REMIT_AGENT_TOKEN": said["access_token"]}, tmp_path)
    assert said["token_type"] == "Bearer" and '"decision":"executed"' in told.replace(" ", "")


def test_the_configuration_is_what_clients_read():
    text = (FOLDER / "any-mcp-client.md").read_text()
    server = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1])["mcpServers"]["remit"]
    assert server["url"].endswith("/mcp") and server["type"] == "http"
    assert server["headers"] == {"Authorization": "Bearer ${REMIT_AGENT_TOKEN}"}


def test_the_words_of_an_answer_are_the_ones_that_the_page_explains():
    text = (FOLDER / "any-mcp-client.md").read_text()
    told = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) - {"decision"} | {"refused"}
    assert told == set(OUTPUT_SCHEMA["properties"]["decision"]["enum"]) and "`refused`" in text


def test_the_copilot_command_writes_its_three_files_and_no_token(served, tmp_path):
    run(commands("microsoft-365.md"), served, tmp_path)
    text = (FOLDER / "microsoft-365.md").read_text()
    named = set(re.findall(r"^\| `([a-z0-9-]+\.json)` \|", text, re.MULTILINE))
    made = {path.name: path.read_text() for path in (tmp_path / "appPackage").iterdir()}
    assert set(made) == named and len(named) == 3
    assert all(json.loads(one) for one in made.values()) and "rmt_" not in "".join(made.values())
    assert json.loads(made["remit-openapi.json"])["openapi"].startswith("3.0."), "Microsoft's tools read no other."
    assert '"vault-1"' in made["remit-plugin.json"] and not Action.objects.exists()
