"""The asynchronous client: the names and meanings of `remit_client.client`, awaited."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from remit_client import wire
from remit_client.shapes import ActionData, PlanData, TraceData


@dataclass(frozen=True, slots=True)
class AsyncAction(ActionData):
    """See `Action`."""

    remit: "AsyncRemit" = field(repr=False)

    async def now(self) -> "AsyncAction":
        return await self.remit.action(self.id)

    async def wait(self, *, timeout_s: float = 3600) -> "AsyncAction":
        """Raises TimeoutError; the action itself goes on."""
        deadline, current = time.monotonic() + timeout_s, self
        while not current.rests:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{self.id} is still {current.state} after {timeout_s:.0f} s.")
            current = await self.remit.action(self.id, wait_s=max(1, min(wire.LONGEST_POLL_S, int(left))))
        return current

    async def withdraw(self, reason: str = "", *, idempotency_key: str | None = None) -> "AsyncAction":
        """Raises RemitError 409 when it may not."""
        asked = wire.post(f"actions/{self.id}/withdraw", {"reason": reason}, idempotency_key)
        return AsyncAction(await self.remit.send(asked), self.remit)

    async def report(
        self,
        outcome: str,
        result: Mapping[str, Any] | None = None,
        *,
        detail: str = "",
        idempotency_key: str | None = None,
    ) -> "AsyncAction":
        """Raises RemitError."""
        asked = wire.reporting(self.id, outcome, result, detail, idempotency_key)
        return AsyncAction(await self.remit.send(asked), self.remit)


@dataclass(frozen=True, slots=True)
class AsyncPlan(PlanData):
    """See `Plan`."""

    remit: "AsyncRemit" = field(repr=False)

    @property
    def actions(self) -> list[AsyncAction]:
        return [AsyncAction(step, self.remit) for step in self.data["steps"]]

    async def now(self) -> "AsyncPlan":
        return await self.remit.plan(self.id)

    async def resume(self, *, idempotency_key: str | None = None) -> "AsyncPlan":
        """Raises RemitError 409 when it may not."""
        asked = wire.post(f"plans/{self.id}/resume", {}, idempotency_key)
        return AsyncPlan(await self.remit.send(asked), self.remit)


@dataclass(frozen=True, slots=True)
class AsyncTrace(TraceData):
    """See `Trace`."""

    remit: "AsyncRemit" = field(repr=False)

    async def plan(
        self, steps: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[AsyncAction]:
        return (await self.submit(steps, idempotency_key=idempotency_key)).actions

    async def submit(self, steps: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> AsyncPlan:
        asked = wire.post(f"traces/{self.id}/plan", {"steps": list(steps)}, idempotency_key)
        return AsyncPlan(await self.remit.send(asked), self.remit)

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        answers: AsyncAction | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncAction:
        asked = wire.calling(
            "tool-calls", self.id, tool, arguments, idempotency_key, answers=answers.id if answers else None
        )
        return AsyncAction(await self.remit.send(asked), self.remit)

    async def evaluate(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self.remit.send(wire.calling("evaluate", self.id, tool, arguments, None))

    async def export(self) -> Mapping[str, Any]:
        return await self.remit.send(wire.get(f"traces/{self.id}/export"))


class AsyncRemit:
    """See `Remit`. Use it as an async context manager, or close it."""

    def __init__(
        self, base_url: str, *, token: str, timeout_s: float = 60, headers: Mapping[str, str] | None = None
    ) -> None:
        self._http = httpx.AsyncClient(**wire.options(base_url, token, timeout_s, headers))

    async def __aenter__(self) -> "AsyncRemit":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open_trace(
        self,
        *,
        intent: str,
        on_behalf_of: str | None = None,
        sources: Sequence[Mapping[str, Any]] = (),
        idempotency_key: str | None = None,
    ) -> AsyncTrace:
        return AsyncTrace(await self.send(wire.opening(intent, on_behalf_of, sources, idempotency_key)), self)

    async def trace(self, trace_id: str) -> AsyncTrace:
        return AsyncTrace(await self.send(wire.get(f"traces/{trace_id}")), self)

    async def action(self, action_id: str, *, wait_s: int = 0) -> AsyncAction:
        return AsyncAction(await self.send(wire.get(f"actions/{action_id}", wait=wait_s)), self)

    async def plan(self, plan_id: str) -> AsyncPlan:
        return AsyncPlan(await self.send(wire.get(f"plans/{plan_id}")), self)

    async def tools(self) -> list[Mapping[str, Any]]:
        return list((await self.send(wire.get("tools")))["tools"])

    async def send(self, request: wire.Request) -> Mapping[str, Any]:
        """Raises RemitError for a refusal and httpx.HTTPError when Remit was not reached."""
        return wire.answer(await self._http.request(**wire.arguments_of(request)))

    async def close(self) -> None:
        await self._http.aclose()
