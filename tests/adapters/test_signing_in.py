"""A person signs in for the protocol's own SDK: the program of docs/connect/signing-in.md, against a running Remit."""

import html
import os
import re
import subprocess
import sys

import psycopg
import pytest

from tests.adapters.conftest import PYTHON, ROOT, Approver

pytestmark = pytest.mark.adapters
PAGE = ROOT / "docs/connect/signing-in.md"
WHO = """SELECT u.email, a.slug, k.prefix IS NOT NULL FROM traces_trace t JOIN accounts_user u ON u.id = t.on_behalf_of_id
    JOIN accounts_agent a ON a.id = t.agent_id JOIN actions_action c ON c.trace_id = t.id
    LEFT JOIN accounts_persontoken k ON k.id = c.person_token_id AND k.consent_id IS NOT NULL
    WHERE t.kind = 'work' ORDER BY t.id DESC LIMIT 1"""


@pytest.fixture
def client_id(remit) -> str:
    """The client that the page's own command registers at the shell of this installation."""
    words = re.search(r"^    \S+ manage\.py (remit_agent_client .* --redirect .*)$", PAGE.read_text(), re.MULTILINE)[1]
    env = {**os.environ, "DATABASE_URL": remit["database"], "REMIT_DATA_DIR": remit["data"]}
    for unwanted in ("REMIT_SECRET_KEY", "DJANGO_SETTINGS_MODULE"):
        env.pop(unwanted, None)
    command = f"'{sys.executable}' -m console.runtime manage -- {words}"
    done = subprocess.run(["sh", "-eu", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("client_id: ")[1].split()[0]


@pytest.fixture
def program(remit, client_id):
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    env = {"PATH": os.environ["PATH"], "REMIT_URL": remit["url"], "REMIT_CLIENT_ID": client_id}
    running = subprocess.Popen(
        [PYTHON, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield running
    if running.poll() is None:
        running.kill()
    running.communicate()


def opened(program) -> str:
    line = program.stdout.readline()
    assert line.startswith("Open http"), line + program.communicate(timeout=60)[1]
    return line.removeprefix("Open ").strip()


def answered(person: Approver, address: str, answer: str) -> None:
    """As a browser does it: the page, a button, and back to the program."""
    page = person._http.get(address)
    assert page.status_code == 200 and "Terminal assistant" in page.text, page.text[:2000]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    told = {name: html.unescape(value) for name, value in fields.items()} | {"answer": answer}
    back = person._http.post(address, data=told, headers={"Origin": str(person._http.base_url).rstrip("/")})
    assert back.text == "Go back to the terminal.", back.text[:2000]


def test_the_program_of_the_page_signs_in_lists_and_makes_a_governed_call(remit, maya, program):
    answered(maya, opened(program), "allow")
    said, wrong = program.communicate(timeout=120)
    assert program.returncode == 0, wrong[-3000:]
    assert "acct_5521" in said
    with psycopg.connect(remit["database"]) as database:
        assert database.execute(WHO).fetchone() == ("maya@northwind.example", "refunds-agent", True)


def test_a_person_who_denies_leaves_the_program_without_anything(maya, program):
    answered(maya, opened(program), "deny")
    said, wrong = program.communicate(timeout=120)
    assert program.returncode != 0 and "acct_5521" not in said and "rmp_" not in wrong
