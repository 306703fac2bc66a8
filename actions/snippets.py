"""The snippets of docs/connect, with this installation's address in them: one text for the docs, the page and the tests.

INVARIANT: a token stands in none of them; it is read from the environment. Held by tests/actions/test_snippets.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings

PLACE = 'os.environ["REMIT_URL"]'
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
_INSTALL = re.compile(r'`(pip install (?:"[^"`]+"|[a-z-]+))`')
STACKS = {
    "python": "Python", "openai": "OpenAI", "openai-agents": "OpenAI Agents SDK", "anthropic": "Anthropic",
    "claude-agent": "Claude Agent SDK", "google": "Gemini API", "adk": "Google ADK", "langchain": "LangChain, LangGraph",
    "llamaindex": "LlamaIndex", "any-mcp-client": "Any MCP client",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snippet:
    """How one stack connects. `stacks`: every one there is, as (name, label, whether it is this one)."""

    label: str
    install: str
    code: str
    rest_url: str
    mcp_url: str
    stacks: Sequence[tuple[str, str, bool]]


def snippet(name: str) -> Snippet:
    """The snippet of a stack; of plain Python where there is no such one."""
    chosen = name if name in STACKS else "python"
    install, code = _written(chosen)
    base = settings.REMIT_BASE_URL
    stacks = [(one, label, one == chosen) for one, label in STACKS.items()]
    return Snippet(STACKS[chosen], install, code.replace(PLACE, f'"{base}"'), f"{base}/api/v1/", f"{base}/mcp", stacks)


@cache
def _written(name: str) -> tuple[str, str]:
    """What to install, and the code, as the page of the docs has them."""
    text = (settings.BASE_DIR / "docs" / "connect" / f"{name}.md").read_text(encoding="utf-8")
    install, code = _INSTALL.search(text), _CODE.search(text)
    if install is None or code is None or PLACE not in code[1]:
        raise ValueError(f"docs/connect/{name}.md has no snippet that names its address.")
    return install[1], code[1]
