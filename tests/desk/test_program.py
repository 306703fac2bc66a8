"""The desk as a program: its own data, its own start, nothing of Remit."""

import os
import subprocess
import sys

import httpx
import pytest

from tests.desk.running import ROOT, start_desk

APPS = {"accounts", "actions", "approvals", "console", "gateway", "policies", "traces", "django"}


def run(*arguments, **env):
    given = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run([sys.executable, *arguments], env=given, cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_records_and_tokens_outlive_a_restart_and_reset_brings_the_seed_back(tmp_path):
    first = start_desk(tmp_path, secret="kept")
    first.patch("/accounts/acct_5521", {"tier": "Kept"})
    token = first.token("accounts:read")
    first.stop()
    second = start_desk(tmp_path, secret="kept")
    head = {"Authorization": f"Bearer {token}"}
    found = httpx.get(f"{second.base_url}/accounts/acct_5521", headers=head, trust_env=False)
    second.stop()
    assert found.json()["tier"] == "Kept" and found.headers["ETag"] == '"2"'
    env = {"DESK_CLIENT_ID": "remit", "DESK_CLIENT_SECRET": "kept", "DESK_DATA": str(tmp_path)}
    assert run("-m", "sample.desk", "--reset", **env).returncode == 0
    third = start_desk(tmp_path, secret="kept")
    fresh = third.read("/accounts/acct_5521")
    third.stop()
    assert fresh["tier"] == "Team"


def test_without_faults_nothing_can_be_spoiled_or_reset(tmp_path):
    desk = start_desk(tmp_path, faults=False)
    answers = [httpx.post(f"{desk.base_url}/{path}", json={}, trust_env=False) for path in ("faults", "reset")]
    desk.stop()
    assert [answer.status_code for answer in answers] == [404, 404]


def test_no_secret_no_start(tmp_path):
    ended = run("-m", "sample.desk", DESK_CLIENT_ID="remit", DESK_CLIENT_SECRET="", DESK_DATA=str(tmp_path))
    assert ended.returncode == 2 and "DESK_CLIENT_SECRET" in ended.stderr


@pytest.mark.skipif(not os.path.exists("/proc/net/tcp"), reason="needs Linux's list of open ports")
def test_only_this_machine_can_reach_it(desk):
    port = f"{int(desk.base_url.rpartition(':')[2]):04X}"
    with open("/proc/net/tcp", encoding="ascii") as tcp:
        local = [line.split()[1] for line in tcp if f":{port} " in line and line.split()[3] == "0A"]
    assert local == [f"0100007F:{port}"]


def test_token_secrets_are_not_in_its_files(tmp_path):
    desk = start_desk(tmp_path)
    token = desk.token("accounts:read")
    desk.stop()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.encode() not in stored and b"accounts:read" in stored


@pytest.mark.parametrize("module", ["app", "faults", "__main__"])
def test_it_imports_nothing_of_remit(module):
    code = f"import sys, sample.desk.{module}; print(sorted({{name.split('.')[0] for name in sys.modules}} & {APPS}))"
    ended = run("-c", code)
    assert ended.returncode == 0 and ended.stdout.strip() == "[]"
