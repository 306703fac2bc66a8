"""A person signs in for the protocol's own SDK: the program of docs/connect/signing-in.md, against a server that listens."""

import html
import os
import re
import subprocess

import pytest

from accounts.oauth_settings import oauth_settings
from actions.models import Action
from tests.adapters.conftest import PYTHON, ROOT, Approver
from tests.cast import PASSWORD
from tests.gateway.signing_in import App
from tests.gateway.test_exchange_page import told_by

pytestmark = pytest.mark.adapters
PAGE = ROOT / "docs/connect/signing-in.md"


@pytest.fixture
def url(transactional_db, cast, settings, live_server) -> str:
    """A server that knows itself by the address it listens at."""
    settings.REMIT_BASE_URL, settings.OAUTH2_PROVIDER = live_server.url, oauth_settings(live_server.url)
    settings.REMIT_AUDIENCE_REST, settings.REMIT_AUDIENCE_MCP = f"{live_server.url}/api/v1", f"{live_server.url}/mcp"
    return live_server.url


@pytest.fixture
def person(url) -> Approver:
    return Approver({"url": url, "password": PASSWORD}, "maya")


@pytest.fixture
def held() -> tuple[str, str] | None:
    """A line of the program, and what stands there instead: it begins with a token that it had kept."""
    return None


@pytest.fixture
def program(url, held):
    """The page's own command registers the client, and its own program signs in by it."""
    text = PAGE.read_text()
    line = re.search(r"^    (\S+ manage\.py remit_agent_client .* --redirect .*)$", text, re.MULTILINE)[1]
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].replace(*(held or ("", "")))
    env = {"PATH": os.environ["PATH"], "REMIT_URL": url, "REMIT_CLIENT_ID": told_by(line)["client_id"]}
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
    led = person._http.get(back.headers["Refresh"].removeprefix("0;url="))
    assert led.text == "Go back to the terminal.", led.text[:2000]


def test_the_program_of_the_page_signs_in_and_makes_a_governed_call_whose_trace_names_both(cast, person, program):
    answered(person, opened(program), "allow")
    said, wrong = program.communicate(timeout=120)
    assert program.returncode == 0, wrong[-3000:]
    assert "acct_5521" in said
    made = Action.objects.get()
    assert made.trace.on_behalf_of == made.requester == cast.user("maya") and made.trace.agent == cast.agent
    assert made.person_token.consent.client_name == "Terminal assistant"


class TestATokenThatIsTooNarrow:
    """M-02: the SDK takes 403 and its scope as the protocol says, asks the person for more and sends the call again."""

    @pytest.fixture
    def held(self, url, cast) -> tuple[str, str]:
        narrow = App(cast).tokens(scope="write")["access_token"]
        kept = f"__import__('mcp.shared.auth').shared.auth.OAuthToken(access_token={narrow!r}, scope='write')"
        return "self.tokens = client, None", f"self.tokens = client, {kept}"

    def test_leads_to_a_person_who_allows_more_and_the_call_is_made(self, cast, person, program):
        answered(person, opened(program), "allow")
        said, wrong = program.communicate(timeout=120)
        assert program.returncode == 0 and "acct_5521" in said, wrong[-3000:]
        denied, made = Action.objects.order_by("created_at")
        assert (denied.scopes, denied.state) == ("write", "denied") and denied.trace_id == made.trace_id
        assert made.state == "succeeded" and set(made.scopes.split()) == {"read", "write"}


def test_a_person_who_denies_leaves_the_program_without_anything(person, program):
    answered(person, opened(program), "deny")
    said, wrong = program.communicate(timeout=120)
    assert program.returncode != 0 and "acct_5521" not in said and "rmp_" not in wrong
    assert not Action.objects.exists()
