"""Show work: one trace told from its own ledger entries, and nothing else."""

from traces.story.build import Story, build_story

__all__ = ["Story", "build_story"]
