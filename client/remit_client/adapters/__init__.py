"""Thin shapes of `Toolset` for agent stacks. Each imports its stack, an extra: `pip install remit-client[openai]`."""
