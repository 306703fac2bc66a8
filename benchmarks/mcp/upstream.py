"""The system that is called: `python -m benchmarks.mcp.upstream PORT SERVICE_MS`. The same work by MCP and by plain HTTP.

Both answer the same list after the same time, which stands for what a real system does.
"""

import asyncio
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ORDERS = [{"id": f"order_{number}", "item": "tea", "amount": number} for number in range(3)]


def application(service_s: float) -> Starlette:
    """An MCP endpoint of one tool, and the address that a connection of Remit reads."""

    async def orders(_: Request) -> JSONResponse:
        await asyncio.sleep(service_s)
        return JSONResponse({"orders": ORDERS})

    async def mcp(request: Request) -> JSONResponse:
        asked: dict[str, Any] = await request.json()
        await asyncio.sleep(service_s)
        result = {"resultType": "complete", "content": [], "structuredContent": {"orders": ORDERS}, "isError": False}
        return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": result})

    return Starlette(routes=[Route("/orders", orders), Route("/mcp", mcp, methods=["POST"])])


if __name__ == "__main__":
    port, service_ms = int(sys.argv[1]), float(sys.argv[2])
    uvicorn.run(application(service_ms / 1000), host="127.0.0.1", port=port, log_level="warning", access_log=False)
