"""Bundles of every scope hold, and a stranger checks them with one file, without Django (Z-04)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.builders import planned
from tests.traces.ledgers import grow, grown, held, judged
from traces.bundles.write import NothingToExport, write_deployment, write_traces, write_workspace
from traces.checkpoints.clock import tick
from traces.checkpoints.take import checkpoint_workspace
from traces.export import bundle

VERIFIER = Path(__file__).parents[2] / "verify" / "remit_verify.py"
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "trace.schema.json").read_text())


def stranger(*arguments):
    """Isolated: no environment, no site of ours on the path, another folder."""
    command = [sys.executable, "-I", str(VERIFIER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={}, timeout=60)


@pytest.fixture
def ledger(cast):
    planned(cast)
    first = grown(cast)
    point = checkpoint_workspace(cast.northwind.pk)
    grow(cast, first, 3, start=5)
    grown(cast)
    return first, point


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_z04_every_scope_holds_for_a_stranger_with_and_without_an_anchor(cast, ledger, tmp_path, suffix):
    trace, point = ledger
    anchor = held(tmp_path, point)
    made = [
        write_workspace(tmp_path / f"workspace{suffix}", cast.northwind.pk),
        write_traces(tmp_path / f"trace{suffix}", cast.northwind.pk, [trace.pk]),
        write_deployment(tmp_path / f"all{suffix}", with_values=True),
    ]
    for written in made:
        assert written.warning == ""
        done = stranger(written.path)
        assert done.returncode == 0 and done.stdout.startswith("OK "), done.stdout
        assert "use --anchor" in done.stdout
        done = stranger(written.path, "--anchor", anchor)
        assert done.returncode == 0 and "1 held checkpoint" in done.stdout, done.stdout


def test_json_of_one_trace_matches_its_schema_and_holds(cast, ledger, tmp_path):
    trace, point = ledger
    exported = bundle(trace)
    Draft202012Validator(SCHEMA).validate(exported)
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(exported, indent=2, ensure_ascii=False))
    assert judged(file) == (True, judged(file)[1]) and judged(file, held(tmp_path, point))[0]
    exported["workspace"]["name"] = "Another"
    file.write_text(json.dumps(exported))
    assert judged(file) == (False, "trace.json: it is not the file the manifest was signed for.")


def test_batch_says_each_by_name(cast, ledger, tmp_path):
    trace, _ = ledger
    home = tmp_path / "all"
    write_workspace(home / "good", cast.northwind.pk)
    bad = write_traces(home / "wrong", cast.northwind.pk, [trace.pk]).path
    (bad / "entries.jsonl").write_bytes((bad / "entries.jsonl").read_bytes().replace(rb"\"n\":4", rb"\"n\":9"))
    done = stranger("--batch", home)
    assert done.returncode == 1
    good_line, bad_line = done.stdout.splitlines()
    assert good_line.startswith(f"OK {home}/good: ")
    assert bad_line == f"FAIL {home}/wrong: Record 6 of trace {trace.pk}: it was changed after it was written."


def test_bundle_without_values_has_none_and_one_with_them_proves_each(cast, tmp_path):
    planned(cast)
    bare = write_workspace(tmp_path / "bare", cast.northwind.pk).path
    full = write_workspace(tmp_path / "full", cast.northwind.pk, with_values=True).path
    assert not (bare / "withheld.jsonl").exists() and judged(full)[0]
    rows = (full / "withheld.jsonl").read_text().splitlines()
    assert (
        rows and "ap@birch.example" in "".join(rows) and "ap@birch.example" not in (bare / "entries.jsonl").read_text()
    )


def test_trace_bundle_names_no_other_trace(cast, ledger, tmp_path):
    trace, _ = ledger
    other = grown(cast)
    path = write_traces(tmp_path / "one", cast.northwind.pk, [trace.pk]).path
    texts = "".join(file.read_text() for file in path.iterdir())
    assert trace.pk in texts and other.pk not in texts


def test_trace_that_does_not_exist_is_refused(cast, tmp_path):
    with pytest.raises(NothingToExport, match="trc_x"):
        write_traces(tmp_path / "x", cast.northwind.pk, ["trc_x"])


def test_idle_workspaces_are_checkpointed_and_exported_too(cast, tmp_path):
    tick(force=True)
    tick(force=True)
    assert judged(write_deployment(tmp_path / "idle").path)[0]
