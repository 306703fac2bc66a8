"""The MCP surface /mcp: one stateless endpoint for both wire eras. It speaks the protocol and calls the same services as REST.

It must not decide anything: what a client declares chooses the shape of an answer, never whether something may run.
"""
