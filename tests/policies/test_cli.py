"""`manage.py remit_policy`: policy as code, with exit codes fit for CI; four verbs need no database."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from policies.engine.yaml_out import dump
from policies.models import PolicyVersion
from tests.policies.kit import BASE, LOOSER, TIGHTER, changed

ROOT = Path(__file__).parents[2]
GIVEN = BASE["tests"][0]["given"]


@pytest.fixture
def file(tmp_path):
    """Writes a document and gives its path."""

    def write(*edits, name="policy.yaml", text=None) -> str:
        path = tmp_path / name
        path.write_text(text if text is not None else dump(changed(*edits)), encoding="utf-8")
        return str(path)

    return write


def run(*args) -> tuple[int, str]:
    """The exit code and what was said, run in this process."""
    out = io.StringIO()
    try:
        call_command("remit_policy", *args, stdout=out, stderr=out)
    except SystemExit as error:
        return error.code, out.getvalue()
    return 0, out.getvalue()


def alone(*args, given: bytes = b"") -> subprocess.CompletedProcess:
    """Run as CI does, with a database that is not there: whoever asks it fails."""
    env = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9/0"}
    command = [sys.executable, "manage.py", "remit_policy", *args]
    return subprocess.run(command, cwd=ROOT, env=env, input=given, capture_output=True, timeout=60)


def test_four_verbs_need_no_database(file):
    good, looser = file(), file(LOOSER, name="looser.yaml")
    line = json.dumps(GIVEN).encode() + b"\n"
    done = [
        alone("check", good), alone("test", good), alone("diff", good, looser, "--fail-on-loosening"),
        alone("eval", good, given=line),
    ]  # fmt: skip
    assert [d.returncode for d in done] == [0, 0, 3, 0], [d.stderr for d in done]
    assert json.loads(done[3].stdout)["effect"] == "approval"
    assert alone("publish", good, "--workspace", "x").returncode not in (0, 3)


def test_check_names_every_mistake_with_its_place(file):
    path = file(text="policy: {slug: a, name: A}\nroles:\n  r: {tier: yolo, tools: {}}\nextra: 1\n")
    code, said = run("check", path, "--json")
    found = json.loads(said)
    assert (code, found["ok"], found["file"]) == (1, False, path)
    assert {problem["line"] for problem in found["problems"]} == {3, 4}
    code, said = run("check", path)
    assert code == 1 and said.count("\n") == 2 and "line 3, column 7: roles.r.tier" in said


def test_check_says_what_it_loaded(file):
    code, said = run("check", file(), "--json")
    assert code == 0 and json.loads(said)["slug"] == "support" and json.loads(said)["digest"].startswith("sha256:")


def test_bytes_that_are_no_text_and_documents_too_large_are_refused_with_place(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_bytes(b"policy:\n  slug: \xff\n")
    code, said = run("check", str(path))
    assert code == 1 and "line 2, column 9" in said and "not UTF-8" in said
    path.write_bytes(b"# " + b"x" * 300 * 1024)
    assert run("check", str(path))[0] == 1


@pytest.mark.parametrize("verb", ["check", "test", "eval"])
def test_a_file_that_cannot_be_read_is_a_wrong_use(verb):
    code, said = run(verb, "/nowhere/policy.yaml")
    assert code == 2 and "cannot be read" in said


@pytest.mark.parametrize("verb", ["check", "test", "eval"])
def test_whoever_reads_data_is_given_data_when_a_verb_cannot_go_on(verb):
    done = alone(verb, "/nowhere/policy.yaml", "--json")
    assert (
        done.returncode == 2
        and json.loads(done.stdout)["error"] == "/nowhere/policy.yaml cannot be read: No such file or directory."
    )
    assert b"cannot be read" in done.stderr


def test_eval_says_what_is_wrong_with_the_document_as_data_too(file):
    code, said = run("eval", file(text="roles: ["))
    assert code == 1 and json.loads(said)["problems"][0]["line"] == 1 and said.count("\n") == 1


def test_eval_whose_reader_went_away_says_nothing_and_is_no_success(file):
    """`eval … | head -1` in a pipeline that fails with its first part."""
    lines = file(name="lines.jsonl", text=(json.dumps(GIVEN) + "\n") * 500)
    command = [sys.executable, "manage.py", "remit_policy", "eval", file()]
    reading, writing = os.pipe()
    os.close(reading)
    with open(lines, "rb") as given, open(writing, "wb") as out:
        done = subprocess.run(command, cwd=ROOT, stdin=given, stdout=out, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (2, b"")


@pytest.mark.parametrize("args", [[], ["check"], ["frobnicate", "x"], ["publish", "x"], ["diff", "x"]])
def test_a_wrong_use_says_so(args):
    with pytest.raises(CommandError):
        run(*args)
    assert args or alone().returncode == 2


def test_test_fails_with_the_tests_that_fail(file):
    bad = BASE["tests"][0] | {"name": "Runs by itself", "expect": {"effect": "allow"}}
    code, said = run("test", file((("tests",), [*BASE["tests"], bad])), "--json")
    found = json.loads(said)
    assert (code, found["passed"], [f["name"] for f in found["failed"]]) == (1, 1, ["Runs by itself"])
    assert run("test", file())[0] == 0


def test_a_document_without_tests_is_not_a_passed_one(file):
    """CI would stay green over a document whose tests were taken away."""
    untested = file((("tests",), None))
    code, said = run("test", untested)
    assert code == 4 and said == f"{untested}: Nothing was tested: the document has no tests. Add some under tests.\n"
    code, said = run("test", untested, "--json")
    assert code == 4 and json.loads(said) == {"file": untested, "ok": False, "passed": 0, "failed": []}
    code, said = run("test", untested, "--allow-empty")
    assert code == 0 and "Nothing was tested" in said
    assert json.loads(run("test", untested, "--allow-empty", "--json")[1])["ok"]
    assert run("test", file(), "--allow-empty")[0] == 0


def test_diff_shows_both_directions_and_the_verdict(file):
    old, tighter, looser = file(), file(TIGHTER, name="t.yaml"), file(LOOSER, name="l.yaml")
    code, said = run("diff", old, looser)
    assert code == 0 and said.startswith("+ ") and "Loosens." in said
    code, said = run("diff", old, tighter, "--fail-on-loosening")
    assert code == 0 and said.startswith("− ") and "Only tightens." in said
    code, said = run("diff", old, looser, "--fail-on-loosening", "--json")
    found = json.loads(said)
    assert (code, found["verdict"]) == (3, "loosens") and {c["effect"] for c in found["changes"]} == {"loosens"}
    assert run("diff", old, file(), "--fail-on-loosening")[0] == 0
    assert run("diff", file(text="roles: [", name="bad.yaml"), old)[0] == 1
    assert run("diff", "/nowhere/a", old)[0] == 2


def evaluated(file, monkeypatch, data: bytes) -> tuple[int, list[dict]]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, said = run("eval", file())
    return code, [json.loads(line) for line in said.splitlines()]


def test_eval_answers_one_line_for_one_request(file, monkeypatch):
    outside = json.dumps(GIVEN | {"record": {"region": "US"}})
    code, said = evaluated(file, monkeypatch, f"{json.dumps(GIVEN)}\n\n{outside}\n".encode())
    assert code == 0 and [answer["effect"] for answer in said] == ["approval", "deny"]
    assert said[0]["checks"] and said[0]["policy"]["slug"] == "support"


BAD = [
    b"{", b"[]", b"nonsense", b'{"role": "clerk"}', b'{"role": "clerk", "role": "clerk"}', b"\xff\xfe", b"[" * 100_000,
    json.dumps(GIVEN | {"prose": "please"}).encode(), json.dumps(GIVEN | {"usage": {"x": 1.5}}).encode(),
    json.dumps(GIVEN)[:-1].encode() + b', "arguments": {"amount": NaN}}',
    json.dumps(GIVEN | {"money": {"amount": "1", "currency": "USD"}}).encode(),
]  # fmt: skip


@pytest.mark.parametrize("line", BAD, ids=[str(line[:25]) for line in BAD])
def test_eval_goes_on_after_a_line_that_is_no_request(file, monkeypatch, line):
    code, said = evaluated(
        file, monkeypatch, json.dumps(GIVEN).encode() + b"\n" + line + b"\n" + json.dumps(GIVEN).encode()
    )
    assert code == 1 and [answer.get("effect") for answer in said] == ["approval", None, "approval"]
    assert said[1]["line"] == 2 and said[1]["error"].endswith(".")


def test_eval_says_where_a_request_is_wrong_and_what_to_write(file, monkeypatch):
    wrong = [
        (GIVEN | {"prose": "x"}, "prose: prose is not known here. Use one of: agent, arguments, at,"),
        (GIVEN | {"at": "soon"}, "at: 'soon' is not a time. Write UTC as 2026-11-21T08:00Z."),
        (GIVEN | {"at": "2026-02-30T00:00Z"}, "at: This is no time: day is out of range for month. Write UTC as"),
        (GIVEN | {"usage": {"x": 1.0}}, "usage.x: This is a number. Write a whole number."),
        ([], "request: This is a list. Write a record."),
    ]
    code, said = evaluated(file, monkeypatch, "\n".join(json.dumps(line) for line, _ in wrong).encode())
    assert code == 1 and [answer["line"] for answer in said] == [1, 2, 3, 4, 5]
    assert all(answer["error"].startswith(words) for answer, (_, words) in zip(said, wrong, strict=True)), said
    assert evaluated(file, monkeypatch, b"\xef\xbb\xbf" + json.dumps(GIVEN).encode())[0] == 0, "A mark of byte order."


def test_publish_goes_through_the_gates_and_says_what_is_live(house, file):
    code, said = run("publish", file(TIGHTER), "--workspace", "northwind", "--message", "From CI", "--json")
    found = json.loads(said)
    assert (code, found["version"], found["verdict"]) == (0, 2, "tightens")
    assert (house.live().message, house.live().published_by["id"]) == ("From CI", "system:operator")
    test = BASE["tests"][0] | {"expect": {"effect": "allow"}}
    code, said = run("publish", file((("tests",), [test])), "--workspace", "northwind")
    assert code == 1 and "Not published." in said and "NO  Tests" in said and house.live().number == 2


def test_publishing_what_is_live_already_adds_no_version(house, file):
    """A pipeline that runs again leaves the history as it is."""
    path = file(TIGHTER)
    assert "support v2 is live." in run("publish", path, "--workspace", "northwind")[1]
    code, said = run("publish", path, "--workspace", "northwind")
    assert code == 0 and "support v2 is live already. Nothing was published." in said
    code, said = run("publish", path, "--workspace", "northwind", "--json")
    assert code == 0 and (json.loads(said)["version"], json.loads(said)["verdict"]) == (2, "same")
    assert PolicyVersion.objects.count() == 2


def test_publish_needs_a_workspace_that_exists(house, file):
    code, said = run("publish", file(), "--workspace", "atlantis")
    assert code == 2 and "no workspace atlantis" in said
    assert run("publish", file(TIGHTER), "--workspace", "northwind", "--message", "x" * 501)[0] == 2
    assert PolicyVersion.objects.count() == 1


def test_check_against_a_workspace_asks_every_gate_and_writes_nothing(house, file):
    code, said = run("check", file(LOOSER), "--workspace", "northwind", "--json")
    assert code == 0 and [gate["name"] for gate in json.loads(said)["gates"]][:2] == ["Document", "Expressions"]
    house.agent("clerk")
    gone = file((("roles",), {}), (("tests",), None))
    assert run("check", gone, "--workspace", "northwind")[0] == 1
    assert PolicyVersion.objects.count() == 1


def test_replay_says_what_would_change(house, file):
    code, said = run("replay", file(TIGHTER), "--workspace", "northwind", "--json")
    assert code == 0 and json.loads(said)["total"] == 0
    assert "0 of 0 past actions would change." in run("replay", file(TIGHTER), "--workspace", "northwind")[1]
    assert run("replay", file(), "--workspace", "northwind", "--days", "0")[0] == 2
    other = file((("policy", "slug"), "other"))
    assert run("replay", other, "--workspace", "northwind")[0] == 2


WRONG = {"id": "note", "when": {"tools": ["desk.refund.create"]}, "reason": "No.", "require": 'args.amount == "x"'}
TOOL_FILE = str(ROOT / "sample" / "world" / "tools.yaml")


def test_check_holds_expressions_against_a_tool_file_without_a_database_and_says_so(file):
    path = file((("invariants",), [WRONG]))
    assert "held against no tools: name a tool file with --tools" in run("check", path)[1]
    code, said = run("check", path, "--tools", TOOL_FILE, "--json")
    (problem,) = json.loads(said)["problems"]
    assert (code, problem["path"]) == (1, "invariants.0.require") and problem["line"] > 1
    assert "for desk.refund.create: whole number and text cannot be compared" in problem["message"]
    done = alone("check", file(), "--tools", TOOL_FILE)
    assert done.returncode == 0 and f"Its expressions fit the tools of {TOOL_FILE}.".encode() in done.stdout


def test_a_tool_file_that_is_none_is_a_wrong_use(file, tmp_path):
    other = tmp_path / "tools.yaml"
    for data, words in ((b"tools: []", "is no tool file"), (b"\xff", "is no tool file"), (None, "cannot be read")):
        other.unlink(missing_ok=True)
        if data is not None:
            other.write_bytes(data)
        code, said = run("check", file(), "--tools", str(other))
        assert code == 2 and words in said, said
    with pytest.raises(CommandError, match="not allowed with"):
        run("check", file(), "--tools", TOOL_FILE, "--workspace", "northwind")
