"""Programs as MCP servers: only what an operator wrote down, with a clean environment, bounded, ended whole (A-05, P8, F-03)."""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from actions.connections import BadConnection
from actions.connectors.base import Command, ConnectionInfo, ReadFailed
from actions.connectors.mcp.connector import McpConnector
from actions.connectors.mcp.stdio import LAUNCH, LIMITS
from actions.connectors.operation import parse_operation
from actions.execution.commands import BadCommands, allowed_commands, command_for, pinned_command
from actions.importing import ImportRefused
from actions.models import Action
from actions.offers import Choice, definition_of, mcp_offers
from tests.builders import opened
from tests.upstreams.program import TOOLS
from tests.upstreams.world import again, allow, ask, bring, connect

PROGRAM = str(Path(__file__).with_name("program.py"))
CONNECTOR = McpConnector()
WHO = Choice("write", "irreversible")


def info(*argv: str, **more) -> ConnectionInfo:
    command = Command((sys.executable, PROGRAM, *argv), **more)
    return ConnectionInfo("files", "mcp", "", "", "a-standing-secret", command=command)


def lists(found: ConnectionInfo, timeout_s: float = 10):
    return CONNECTOR.list_tools(found, signed(found), timeout_s=timeout_s)


def signed(found: ConnectionInfo):
    return CONNECTOR.mint(found, scope=("mcp:call",), record=None, ttl_s=60, reference="act_x", timeout_s=5)


def call(found: ConnectionInfo, timeout_s: float = 10, choice: Choice = WHO):
    (offer,) = mcp_offers("files", TOOLS)
    operation = parse_operation(definition_of(offer, choice, {})["operation"])
    sent = CONNECTOR.compose(operation, {}, {}, version=None, idempotency_key="k", action_id="act_x")
    return CONNECTOR.dispatch(found, operation, sent, signed(found), timeout_s=timeout_s)


def told(found: ConnectionInfo) -> dict:
    return json.loads(call(found).body["text"])


def test_it_sees_its_own_arguments_and_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("REMIT_APPROVAL_SECRET", "never to be seen")
    seen = told(info("; touch x", env={"KEEP": "this"}, cwd="/usr"))
    assert set(seen["env"]) - {"LC_CTYPE"} == {"PATH", "LANG", "HOME", "TMPDIR", "KEEP"} and seen["cwd"] == "/usr"
    assert seen["argv"][1:] == ["; touch x"] and seen["sid"] == seen["pid"] != os.getsid(0)


def test_it_works_in_a_folder_of_its_own_that_ends_with_it():
    first, second = told(info()), told(info())
    assert first["cwd"] == first["env"]["HOME"] == first["env"]["TMPDIR"] != second["cwd"]
    assert "remit-mcp-" in first["cwd"] and not os.path.exists(first["cwd"])
    assert first["umask"] == 0o077


def test_it_inherits_no_descriptor_and_cannot_gain_rights():
    with open(PROGRAM) as kept:
        os.set_inheritable(kept.fileno(), True)
        seen = told(info())
    assert seen["files"] == 3 and seen["no_new_privs"]


def test_what_it_may_use_is_bounded():
    assert told(info())["limits"] | {"RLIMIT_NPROC": None} == {
        **{name: [most, most] for name, most in LIMITS.items()}, "RLIMIT_NPROC": None,
    }  # fmt: skip


def test_a_bound_that_is_tighter_already_stays():
    with_less = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -n 64; exec {sys.executable} -I -S {LAUNCH} "
         f"'{json.dumps({'uid': None, 'gid': None, 'limits': LIMITS})}' /bin/sh -c 'ulimit -n'"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert with_less.stdout.strip() == "64"


def test_a_program_that_would_get_more_than_was_meant_is_not_started():
    wrong = json.dumps({"uid": None, "gid": None, "limits": {"RLIMIT_NO_SUCH": 1}})
    done = subprocess.run(
        [sys.executable, "-I", "-S", LAUNCH, wrong, "/bin/echo", "ran"], capture_output=True, text=True
    )
    assert done.returncode != 0 and "ran" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a program as another user")
def test_an_operator_may_have_it_run_as_another_user(settings):
    settings.REMIT_MCP_COMMAND_USER = "nobody"
    settings.REMIT_MCP_COMMANDS = json.dumps({"who": {"argv": ["/bin/sh"], "workspaces": ["w"]}})
    assert allowed_commands("w")["who"].user == "nobody"
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # noqa: S103 - the tests' own folders are root's, and so may be their interpreter.
        copy = shutil.copy(PROGRAM, folder)
        seen = told(
            ConnectionInfo("files", "mcp", "", "", "", command=Command(("/usr/bin/python3", copy), user="nobody"))
        )
    nobody = pwd.getpwnam("nobody")
    assert seen["uids"] == [nobody.pw_uid] * 3 and seen["groups"] == [] and seen["limits"]["RLIMIT_NPROC"] == [256, 256]
    assert not os.path.exists(seen["cwd"])


@pytest.mark.parametrize(("user", "said"), [("no-such-user", "no user no-such-user"), ("nobody", "only root")])
def test_a_user_it_cannot_run_as_stops_it(monkeypatch, user, said):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    outcome = call(info(user=user))
    assert outcome.kind == "no_effect" and said in outcome.detail


def test_its_secret_comes_by_the_name_an_operator_gave_and_is_masked_in_answers():
    seen = told(info(secret_env="NOTES_TOKEN"))
    assert seen["env"]["NOTES_TOKEN"] == "[credential]"


def test_what_it_started_ends_with_it():
    mark = secrets.token_hex(8)
    assert "who" in lists(info("child", mark))
    time.sleep(0.2)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert mark not in running


@pytest.mark.parametrize(
    ("mode", "said"), [("silent", "in time"), ("flood", "more than fits"), ("chatter", "unreadable")]
)
def test_a_program_that_misbehaves_is_ended_in_time(mode, said):
    began = time.monotonic()
    with pytest.raises(ReadFailed, match=said):
        lists(info(mode), timeout_s=1.5 if mode == "silent" else 8)
    assert time.monotonic() - began < 8


def test_a_call_that_may_have_begun_is_unknown_and_one_that_did_not_is_none():
    assert call(info("leave")).kind == "unknown" and call(info("hang"), timeout_s=2).kind == "unknown"
    gone = ConnectionInfo("files", "mcp", "", "", "", command=Command(("/nowhere/at/all",)))
    assert call(gone).kind == "no_effect" and call(info("silent"), timeout_s=1).kind == "no_effect"
    assert call(info("leave"), choice=Choice("read", "reversible")).kind == "no_effect"


def test_each_process_is_compared_before_it_is_called():
    changed = call(info("shifting"))
    assert changed.kind == "no_effect" and "changed, so nothing was sent" in changed.detail


# --- The operator's list -------------------------------------------------------------------------------------------------


def allowed(settings, *argv: str, workspaces=("northwind",), name: str = "files") -> None:
    entry = {"argv": [sys.executable, PROGRAM, *argv], "workspaces": list(workspaces)}
    settings.REMIT_MCP_COMMANDS = json.dumps({name: entry})


def test_an_allowed_program_is_imported_and_called(cast, settings):
    allowed(settings)
    connection = connect(cast, options={"command": "files"})
    bring(cast, connection, {"who": WHO})
    allow(cast, tools=("notes.who",))
    answer = ask(cast, opened(cast), "notes.who")
    assert answer["state"] == "succeeded" and "REMIT" not in answer["result"]["record"]["text"]


def test_a_program_that_changed_behind_its_name_is_not_started(cast, settings):
    allowed(settings)
    connection = connect(cast, options={"command": "files"})
    bring(cast, connection, {"who": WHO})
    allow(cast, tools=("notes.who",))
    allowed(settings, "child", "x")
    blocked = ask(cast, opened(cast), "notes.who")
    assert "changed since it was chosen" in Action.objects.get(pk=blocked["action_id"]).detail
    with pytest.raises(ImportRefused, match="changed since"):
        again(cast, connection)
    settings.REMIT_MCP_COMMANDS = ""
    with pytest.raises(ImportRefused, match="no operator allowed"):
        again(cast, connection)


def test_another_workspace_may_not_start_it(cast, settings):
    allowed(settings, workspaces=["lakeside"])
    with pytest.raises(BadConnection, match="no operator allowed files to this workspace"):
        connect(cast, options={"command": "files"})


@pytest.mark.parametrize(
    ("text", "word"),
    [("{", "not JSON"), ('{"a":{"argv":["/x"],"workspaces":[]},"a":{}}', "twice"), ('{"a":{"argv":[]}}', "argv|required"),
     ('{"a":{"argv":["x"],"workspaces":["w"]}}', "whole path"),
     ('{"a":{"argv":["/x"],"workspaces":["w"],"shell":true}}', "shell"),
     ('{"a":{"argv":"/bin/sh -c x","workspaces":["w"]}}', "argv"), ('{"a":{"argv":["/x\\u0000y"],"workspaces":["w"]}}', "argv")],
)  # fmt: skip
def test_a_list_that_cannot_be_read_allows_nothing(settings, text, word):
    settings.REMIT_MCP_COMMANDS = text
    with pytest.raises(BadCommands, match=word):
        allowed_commands("w")


def test_a_pin_names_every_part_of_a_program(settings):
    allowed(settings)
    pinned = pinned_command({"command": "files"}, "northwind")
    assert command_for(pinned, "northwind").argv[1:] == (PROGRAM,)
    entry = {"argv": [sys.executable, PROGRAM], "workspaces": ["northwind"], "env": {"A": "1"}}
    settings.REMIT_MCP_COMMANDS = json.dumps({"files": entry})
    with pytest.raises(BadCommands, match="changed since"):
        command_for(pinned, "northwind")
