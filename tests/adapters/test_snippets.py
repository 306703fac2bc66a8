"""Every snippet of docs/connect is run as it stands, with its real SDK, against a running Remit."""

import json
import os
import re
import subprocess

import pytest

from tests.adapters.conftest import PYTHON, ROOT

pytestmark = pytest.mark.adapters
PAGES = [
    "python", "openai", "openai-agents", "anthropic", "claude-agent", "google", "adk", "langchain", "llamaindex",
    "any-mcp-client",
]  # fmt: skip
# Needs a person at a browser: tests/adapters/test_signing_in.py.
WITH_A_PERSON = {"signing-in"}
QUESTION = json.dumps({"tool": "desk__order__get", "arguments": {"order_id": "48213"}})
# Claude's program names the tools of a server by the server too.
QUESTIONS = {"claude-agent": QUESTION.replace("desk__", "mcp__remit__desk__")}
# The reader's own chat model; LangChain and LlamaIndex have no package for one beside these SDKs.
MODELS = {
    "langchain": "from tests.adapters.stacks.langchain_graph import Stub as make_model\n",
    "llamaindex": "from tests.adapters.stacks.llamaindex_agent import make_model\n",
}


def test_every_page_with_python_is_run():
    found = {path.stem for path in (ROOT / "docs/connect").glob("*.md") if "```python" in path.read_text()}
    assert found == set(PAGES) | WITH_A_PERSON


@pytest.mark.parametrize("page", PAGES)
def test_the_snippet_of_a_page_runs(remit, model_url, page, tmp_path):
    code = re.search(r"```python\n(.*?)```", (ROOT / f"docs/connect/{page}.md").read_text(), re.DOTALL)[1]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}",
    }
    env |= {"REMIT_URL": remit["url"], "REMIT_AGENT_TOKEN": remit["agent_token"]}
    env |= {"QUESTION": QUESTIONS.get(page, QUESTION)}
    env |= {"OPENAI_BASE_URL": f"{model_url}/v1", "OPENAI_API_KEY": "none", "ANTHROPIC_BASE_URL": model_url}
    env |= {"ANTHROPIC_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": model_url, "GOOGLE_API_KEY": "none"}
    done = subprocess.run(
        [PYTHON, "-c", MODELS.get(page, "") + code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "acct_5521" in done.stdout, done.stdout
