"""Suggestions to tighten or loosen a policy, each with its evidence and the document it would make. Never applied by itself.

A suggestion opens a draft that people publish like any other.
"""

from collections.abc import Mapping
from datetime import datetime

from policies.engine.document import Document
from policies.engine.types import ToolFacts
from policies.suggestions.ground import Suggestion, ground_of
from policies.suggestions.loosen import always_approved, percentile
from policies.suggestions.tighten import rejected, spoiled, unused, unwritten

__all__ = ["Suggestion", "percentile", "suggestions"]


def suggestions(
    workspace_id: str, slug: str, document: Document, tools: Mapping[str, ToolFacts], now: datetime
) -> list[Suggestion]:
    """What the 30 days before `now` say about a document, tightening first."""
    ground = ground_of(workspace_id, slug, document, tools, now)
    return [*spoiled(ground), *unused(ground), *rejected(ground), *unwritten(ground), *always_approved(ground)]
