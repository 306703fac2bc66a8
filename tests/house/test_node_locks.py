"""What Node runs in tests is pinned: exact versions, each package with its hash, and no registry's address."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
LOCKS = [ROOT / name for name in TRACKED if name.endswith("package-lock.json")]
MAKEFILE = (ROOT / "Makefile").read_text()


def loose(lock: dict, asked: dict) -> list[str]:
    """What could be another thing tomorrow, or comes from one place only."""
    packages = {name: found for name, found in lock["packages"].items() if name}
    odd = [name for name, found in packages.items() if "integrity" not in found or "resolved" in found]
    wanted = asked["dependencies"] | asked.get("devDependencies", {})
    return odd + [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version)]


def test_there_is_a_lock_beside_every_list_of_packages():
    assert LOCKS and {lock.with_name("package.json") for lock in LOCKS} == {
        ROOT / name for name in TRACKED if name.endswith("package.json")
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_a_lock_names_versions_and_hashes_and_no_address(lock):
    assert loose(json.loads(lock.read_text()), json.loads(lock.with_name("package.json").read_text())) == []


def test_what_is_loose_is_found():
    lock = {"packages": {"": {}, "a": {"version": "1.0.0"}, "b": {"integrity": "x", "resolved": "https://r.example/b"}}}
    assert loose(lock, {"dependencies": {"c": "^1.0.0", "d": "1.0.0-alpha.1"}}) == ["a", "b", "c"]


def test_only_locked_packages_are_installed_and_none_runs_a_script():
    calls = [line for line in MAKEFILE.splitlines() if "npm-cli.js" in line]
    assert len(calls) == len(LOCKS) and all(" ci " in call and "--ignore-scripts" in call for call in calls)
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    assert [path.name for path in tests if re.search(r"\[\s*\"npm\"|\bnpx\b", path.read_text())] == []
