"""The application behind two paths, each adding a token: the suite cannot send one itself."""

import os

from django.core.asgi import get_asgi_application

TOKENS = {"/agent": os.environ["REMIT_AGENT_TOKEN"], "/fixtures": os.environ["REMIT_FIXTURES_TOKEN"]}
django = get_asgi_application()


async def application(scope, receive, send):
    prefix = "/" + scope.get("path", "").split("/")[1]
    if scope["type"] != "http" or prefix not in TOKENS:
        return await django(scope, receive, send)
    token = (b"authorization", f"Bearer {TOKENS[prefix]}".encode())
    headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
    inside = {**scope, "path": "/mcp", "raw_path": b"/mcp", "headers": [*headers, token]}
    return await django(inside, receive, send)
