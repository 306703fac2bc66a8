"""What suggestions are made from, and what one is."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from policies.documents import parsed
from policies.edits import Plain
from policies.engine.document import Document
from policies.engine.plan import mode_for
from policies.engine.problems import PolicyError
from policies.engine.types import ToolFacts
from policies.models import PolicyVersion
from policies.suggestions.asked import Asked, asked_of
from policies.usage_stats import DAYS, ToolUsage, role_tool_usage

logger = logging.getLogger("remit.policies")
SPAN = timedelta(days=DAYS)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`edit` says what would change; `change` makes it of a document, and `base` is the one it was found in."""

    kind: str
    sentence: str
    evidence: tuple[str, ...]
    edit: Mapping[str, Any]
    base: Mapping[str, Any]
    change: Callable[[Mapping[str, Any]], Plain]

    @property
    def plain_after(self) -> Plain:
        """The whole document after it. Made when it is asked for: a page lists many, and one is opened."""
        return self.change(self.base)


@dataclass(frozen=True, slots=True)
class Ground:
    """What suggestions are made from. `then` is the document that was live when the span began, None where none was."""

    workspace_id: str
    slug: str
    now: datetime
    document: Document
    then: Document | None
    tools: Mapping[str, ToolFacts]
    usage: Mapping[tuple[str, str], ToolUsage]
    asked: Asked

    def listed(self) -> Iterator[tuple[str, str]]:
        """Every role and tool that is not off now."""
        for role in self.document.roles.values():
            for name in sorted(role.tools):
                if name in self.tools and self.mode(role.name, name) != "off":
                    yield role.name, name

    def mode(self, role: str, tool: str) -> str:
        """What the document lets a role do with a known tool now."""
        return mode_for(self.document.roles[role], tool, self.tools[tool].effect_class, self.now)

    def was_on(self, role: str, tool: str) -> bool:
        """Whether the tool was on when the span began: only what was there all the time can be called unused."""
        before = self.then.roles.get(role) if self.then else None
        return before is not None and mode_for(before, tool, self.tools[tool].effect_class, self.now - SPAN) != "off"

    def was_writable(self, role: str, kind: str, path: str) -> bool:
        """The same of a field."""
        before = self.then.roles.get(role) if self.then else None
        rule = before.fields.get(kind) if before else None
        return rule is not None and path in rule.write


def ground_of(
    workspace_id: str, slug: str, document: Document, tools: Mapping[str, ToolFacts], now: datetime
) -> Ground:
    """What the span before `now` says."""
    usage = role_tool_usage(workspace_id, slug, now=now)
    asked, then = asked_of(workspace_id, slug, document, tools, now), _then(workspace_id, slug, now)
    return Ground(workspace_id, slug, now, document, then, tools, usage, asked)


def _then(workspace_id: str, slug: str, now: datetime) -> Document | None:
    versions = PolicyVersion.objects.filter(policy__workspace_id=workspace_id, policy__slug=slug)
    version = versions.filter(published_at__lte=now - SPAN).order_by("-number").first()
    if version is None:
        return None
    try:
        return parsed(version.digest, version.source)
    except PolicyError:
        logger.warning(
            "Version %s of policy %s does not load any more, so nothing is called unused.", version.number, slug
        )
        return None
