"""The page of an agent shows how each stack connects: the docs' own snippet with this installation's address, and no token."""

import ast
import re
from html import unescape

import pytest
from django.conf import settings

from actions.snippets import STACKS, snippet
from tests.actions.test_agent_pages import browser

FOLDER = settings.BASE_DIR / "docs" / "connect"


def test_every_page_with_python_is_a_stack_but_for_the_way_in():
    assert {path.stem for path in FOLDER.glob("*.md") if "```python" in path.read_text()} == {*STACKS, "signing-in"}


@pytest.mark.parametrize("name", STACKS)
def test_the_page_shows_the_snippet_of_the_docs_with_its_own_address(cast, settings, name):
    settings.REMIT_BASE_URL = "https://remit.example"
    page = browser(cast, "dana").get(f"/agents/{cast.agent.pk}/?stack={name}").content.decode()
    shown = unescape(re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)[1])
    written = re.search(r"```python\n(.*?)```", (FOLDER / f"{name}.md").read_text(), re.DOTALL)[1]
    assert shown == written.replace('os.environ["REMIT_URL"]', '"https://remit.example"') != written
    ast.parse(shown)
    assert 'os.environ["REMIT_AGENT_TOKEN"]' in shown and cast.token not in page
    assert snippet(name).install in (FOLDER / f"{name}.md").read_text() and "https://remit.example/mcp" in page
    assert f'aria-current="page" class="strong">{STACKS[name]}</a>' in page


@pytest.mark.parametrize("asked", ["", "cobol", "../settings", "\x00"])
def test_an_unknown_stack_is_plain_python(cast, asked):
    page = browser(cast, "dana").get(f"/agents/{cast.agent.pk}/", {"stack": asked}).content.decode()
    assert 'aria-current="page" class="strong">Python</a>' in page
