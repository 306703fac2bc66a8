"""What a governed MCP call costs over the same call made directly."""
