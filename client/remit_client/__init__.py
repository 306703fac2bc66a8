"""remit-client: a thin typed client for Remit. Depends on httpx only."""

from remit_client.aio import AsyncAction, AsyncPlan, AsyncRemit, AsyncTrace
from remit_client.client import Action, Plan, Remit, Trace
from remit_client.governed import NoEffect, NotAllowed, governed
from remit_client.toolset import Told, Toolset, ToolSpec
from remit_client.wire import RemitError

__all__ = [
    "Action", "AsyncAction", "AsyncPlan", "AsyncRemit", "AsyncTrace", "NoEffect", "NotAllowed", "Plan", "Remit", "RemitError",
    "Told", "ToolSpec", "Toolset", "Trace", "governed",
]  # fmt: skip
