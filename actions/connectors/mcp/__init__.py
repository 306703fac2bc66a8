"""MCP servers as systems of record: over Streamable HTTP, or as a program that an operator allowed."""
