"""The synchronous client. It decides nothing: every answer is Remit's own."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from remit_client import wire
from remit_client.shapes import ActionData, PlanData, TraceData


@dataclass(frozen=True, slots=True)
class Action(ActionData):
    """One tool call."""

    remit: "Remit" = field(repr=False)

    def now(self) -> "Action":
        """The action as it stands now."""
        return self.remit.action(self.id)

    def withdraw(self, reason: str = "", *, idempotency_key: str | None = None) -> "Action":
        """Take it back before it starts. Raises RemitError 409 when it may not."""
        asked = wire.post(f"actions/{self.id}/withdraw", {"reason": reason}, idempotency_key)
        return Action(self.remit.send(asked), self.remit)

    def wait(self, *, timeout_s: float = 3600) -> "Action":
        """Poll until the action rests or a reviewer asks for changes. Raises TimeoutError; the action itself goes on."""
        deadline, current = time.monotonic() + timeout_s, self
        while not current.rests:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{self.id} is still {current.state} after {timeout_s:.0f} s.")
            current = self.remit.action(self.id, wait_s=max(1, min(wire.LONGEST_POLL_S, int(left))))
        return current

    def report(
        self,
        outcome: str,
        result: Mapping[str, Any] | None = None,
        *,
        detail: str = "",
        idempotency_key: str | None = None,
    ) -> "Action":
        """Say how what was handed over ended: `succeeded`, `failed` (it had no effect) or `unknown`. Raises RemitError."""
        return Action(self.remit.send(wire.reporting(self.id, outcome, result, detail, idempotency_key)), self.remit)


@dataclass(frozen=True, slots=True)
class Plan(PlanData):
    """A submitted plan."""

    remit: "Remit" = field(repr=False)

    @property
    def actions(self) -> list[Action]:
        """Its steps, in order."""
        return [Action(step, self.remit) for step in self.data["steps"]]

    def now(self) -> "Plan":
        """The plan as it stands now."""
        return self.remit.plan(self.id)

    def resume(self, *, idempotency_key: str | None = None) -> "Plan":
        """Try again from the step that stopped: a new plan, decided anew. Raises RemitError 409 when it may not."""
        return Plan(self.remit.send(wire.post(f"plans/{self.id}/resume", {}, idempotency_key)), self.remit)


@dataclass(frozen=True, slots=True)
class Trace(TraceData):
    """One intent, opened."""

    remit: "Remit" = field(repr=False)

    def plan(self, steps: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> list[Action]:
        """Submit all steps at once; they are checked as a whole and run in order."""
        return self.submit(steps, idempotency_key=idempotency_key).actions

    def submit(self, steps: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> Plan:
        """The same, as the plan itself: it says where it stopped and can be resumed."""
        body = {"steps": list(steps)}
        return Plan(self.remit.send(wire.post(f"traces/{self.id}/plan", body, idempotency_key)), self.remit)

    def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        answers: Action | None = None,
        idempotency_key: str | None = None,
    ) -> Action:
        """Govern and execute one tool call; with `answers`, in the place of one that a reviewer sent back."""
        asked = wire.calling(
            "tool-calls", self.id, tool, arguments, idempotency_key, answers=answers.id if answers else None
        )
        return Action(self.remit.send(asked), self.remit)

    def evaluate(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """What policy would decide; nothing is recorded as an action and nothing runs."""
        return self.remit.send(wire.calling("evaluate", self.id, tool, arguments, None))

    def export(self) -> Mapping[str, Any]:
        """What this agent was told of its actions, under the hashes of the ledger."""
        return self.remit.send(wire.get(f"traces/{self.id}/export"))


class Remit:
    """A connection to one Remit with one agent token. Use it as a context manager, or close it."""

    def __init__(
        self, base_url: str, *, token: str, timeout_s: float = 60, headers: Mapping[str, str] | None = None
    ) -> None:
        self._http = httpx.Client(**wire.options(base_url, token, timeout_s, headers))

    def __enter__(self) -> "Remit":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_trace(
        self,
        *,
        intent: str,
        on_behalf_of: str | None = None,
        sources: Sequence[Mapping[str, Any]] = (),
        idempotency_key: str | None = None,
    ) -> Trace:
        """Open a trace: what was asked, by whom, from which sources. The same key opens the same one.

        A token that acts for a person names them; any other needs `on_behalf_of`.
        """
        return Trace(self.send(wire.opening(intent, on_behalf_of, sources, idempotency_key)), self)

    def trace(self, trace_id: str) -> Trace:
        """A trace that was opened before, such as by this agent before it was restarted."""
        return Trace(self.send(wire.get(f"traces/{trace_id}")), self)

    def action(self, action_id: str, *, wait_s: int = 0) -> Action:
        """One action, after waiting up to `wait_s` seconds (at most 25) for it to rest."""
        return Action(self.send(wire.get(f"actions/{action_id}", wait=wait_s)), self)

    def plan(self, plan_id: str) -> Plan:
        """One plan as it stands now."""
        return Plan(self.send(wire.get(f"plans/{plan_id}")), self)

    def tools(self) -> list[Mapping[str, Any]]:
        """The tools this agent may use, their schemas narrowed to what it may write."""
        return list(self.send(wire.get("tools"))["tools"])

    def send(self, request: wire.Request) -> Mapping[str, Any]:
        """One request. Raises RemitError for a refusal and httpx.HTTPError when Remit was not reached."""
        return wire.answer(self._http.request(**wire.arguments_of(request)))

    def close(self) -> None:
        """Close the connection pool."""
        self._http.close()
