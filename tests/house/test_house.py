"""The house's own rules: contracts, sizes, names, no inline script or style, one writer of state."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ["accounts", "actions", "approvals", "client", "console", "gateway", "policies", "sample", "scripts", "traces"]
# One file by contract, so that a stranger can read and carry it; its size has a cap of its own.
VERIFIER = ROOT / "verify" / "remit_verify.py"
PYTHON = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
TEMPLATES = list((ROOT / "templates").rglob("*.html"))
TESTS = list((ROOT / "tests").rglob("*.py"))
# Parts are joined so that this file does not contain what it forbids.
FORBIDDEN = ["py" + "pi.org", "python" + "hosted", "npm" + "js", "/work/" + "shared", "TO" + "DO"]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_import_contracts_hold():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"}
    )
    assert done.returncode == 0, done.stdout


def test_every_app_stands_in_the_layers_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layers = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    assert layers == {path.parent.name for path in ROOT.glob("*/apps.py")}


@pytest.mark.parametrize(
    ("files", "cap"), [(PYTHON, 400), (TESTS, 300), (TEMPLATES, 150)], ids=["code", "tests", "templates"]
)
def test_files_stay_small(files, cap):
    assert {str(path.relative_to(ROOT)): lines(path) for path in files if lines(path) > cap} == {}


def test_the_strangers_verifier_is_one_file_of_standard_library_and_cryptography():
    assert {path.name for path in (ROOT / "verify").glob("*.py")} == {"__init__.py", "remit_verify.py"}
    imports = re.findall(r"^(?:from|import) ([a-z_0-9]+)", VERIFIER.read_text(), re.MULTILINE)
    assert set(imports) - set(sys.stdlib_module_names) == {"cryptography"} and lines(VERIFIER) <= 950


def test_migrations_have_names():
    for path in ROOT.glob("*/migrations/0*.py"):
        assert not re.search(r"_(auto|initial)", path.stem), path


INLINE = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:|data:image|hx-on", re.IGNORECASE)


@pytest.mark.parametrize("bad", ['<p style="x">', "<script>1</script>", '<a onclick="x">', '<b hx-on:click="x">'])
def test_inline_rule_sees_bad_samples(bad):
    assert INLINE.search(bad)


def test_templates_have_no_inline_script_or_style():
    assert [str(path) for path in TEMPLATES if INLINE.search(path.read_text())] == []


def test_templates_mark_nothing_safe():
    for path in TEMPLATES:
        assert not re.search(r"\|\s*safe\b|autoescape off", path.read_text()), path
    users = [path for path in PYTHON if "mark_safe" in path.read_text()]
    assert users == []


def test_a_template_includes_only_its_own_app_or_shared():
    for path in TEMPLATES:
        owner = path.relative_to(ROOT / "templates").parts[0]
        for name in re.findall(r'{% include "([^"]+)"', path.read_text()):
            folder = name.split("/")[0]
            assert folder in {owner, "shared"}, f"{path} includes {name}"


def test_a05_nothing_unpickles_or_evaluates_text():
    bad = re.compile(r"\b(pickle|marshal|shelve)\b|(?<![.\w])(eval|exec)\(|yaml\.(unsafe_)?load\(")
    assert [str(path) for path in PYTHON if bad.search(path.read_text())] == []


def test_only_the_machine_writes_action_state():
    """INVARIANT of actions.machine."""
    writes = re.compile(r"Action\.objects[^\n]*update\([^)]*\bstate=|change\(Action,[^\n]*\"state\"|action\.state = ")
    users = {str(path.relative_to(ROOT)) for path in PYTHON if writes.search(path.read_text())}
    assert users == {"actions/machine.py", "traces/story/facts.py"}  # The story folds facts of its own, not rows.


def test_only_the_ledger_writes_entries():
    makers = {
        str(p.relative_to(ROOT))
        for p in PYTHON
        if re.search(r"\bEntry\.objects\.(create|bulk_create)|\bEntry\(", p.read_text())
    }
    assert makers <= {"traces/ledger.py", "traces/models.py"}


def test_no_dict_expansion_of_outside_data_into_queries():
    """R-06."""
    bad = re.compile(r"\.(filter|exclude|annotate|order_by|get)\(\*\*(request|body|data|query)")
    assert [str(path) for path in PYTHON if bad.search(path.read_text())] == []


def test_the_project_speaks_of_itself_alone():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    for name in files:
        path = ROOT / name
        if path.suffix in {".png", ".svg"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        assert [word for word in FORBIDDEN if word in text] == [], name


def test_locks_have_hashes_and_no_index():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text and "index-url" not in text and "://" not in text
