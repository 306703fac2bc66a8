"""The synchronous client. It decides nothing: every answer is Remit's own."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

FINISHED = frozenset(
    [
        "denied",
        "rejected",
        "expired",
        "withdrawn",
        "stale",
        "cancelled",
        "blocked",
        "succeeded",
        "failed",
        "succeeded_attested",
        "failed_attested",
    ]
)
# An unknown outcome is neither: stop waiting and tell a person.
RESTING = FINISHED | {"unknown", "needs_human"}


class RemitError(Exception):
    """Remit refused the request. `problem` is its RFC 9457 body."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"{status} {problem.get('title', 'Refused')}: {problem.get('detail', '')}")


@dataclass(frozen=True, slots=True)
class Action:
    """One tool call as Remit sees it now."""

    data: Mapping[str, Any]
    remit: "Remit" = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.data["action_id"])

    @property
    def state(self) -> str:
        return str(self.data["state"])

    @property
    def result(self) -> Mapping[str, Any] | None:
        return self.data.get("result")

    @property
    def refused_fields(self) -> Sequence[str]:
        return self.data.get("refused_fields") or ()

    @property
    def approval_url(self) -> str | None:
        return (self.data.get("approval") or {}).get("url")

    def wait(self, *, timeout_s: float = 3600) -> "Action":
        """Poll until the action rests. Raises TimeoutError; the action itself goes on."""
        deadline = time.monotonic() + timeout_s
        current = self
        while current.state not in RESTING:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.id} is still {current.state} after {timeout_s:.0f} s.")
            current = self.remit.action(self.id, wait_s=25)
        return current


@dataclass(frozen=True, slots=True)
class Plan:
    """A submitted plan as Remit saw it last."""

    data: Mapping[str, Any]
    remit: "Remit" = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.data["plan_id"])

    @property
    def actions(self) -> list[Action]:
        """Its steps, in order."""
        return [Action(step, self.remit) for step in self.data["steps"]]

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """Where it stopped, what was done until then and whether it can be resumed; None while it has not stopped."""
        return self.data.get("stopped")

    def now(self) -> "Plan":
        """The plan as it stands now."""
        return self.remit.plan(self.id)

    def resume(self, *, idempotency_key: str | None = None) -> "Plan":
        """Try again from the step that stopped: a new plan, decided anew. Raises RemitError 409 when it may not."""
        return Plan(self.remit.post(f"plans/{self.id}/resume", {}, idempotency_key), self.remit)


@dataclass(frozen=True, slots=True)
class Trace:
    """One intent, opened."""

    data: Mapping[str, Any]
    remit: "Remit" = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.data["trace_id"])

    @property
    def url(self) -> str:
        return str(self.data["url"])

    def plan(self, steps: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> list[Action]:
        """Submit all steps at once; they are checked as a whole and run in order."""
        return self.submit(steps, idempotency_key=idempotency_key).actions

    def submit(self, steps: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> "Plan":
        """The same, as the plan itself: it says where it stopped and can be resumed."""
        answer = self.remit.post(f"traces/{self.id}/plan", {"steps": list(steps)}, idempotency_key)
        return Plan(answer, self.remit)

    def call(self, tool: str, arguments: Mapping[str, Any], *, idempotency_key: str | None = None) -> Action:
        """Govern and execute one tool call."""
        body = {"trace_id": self.id, "tool": tool, "arguments": dict(arguments)}
        return Action(self.remit.post("tool-calls", body, idempotency_key), self.remit)

    def evaluate(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """What policy would decide; nothing is recorded as an action and nothing runs."""
        body = {"trace_id": self.id, "tool": tool, "arguments": dict(arguments)}
        return self.remit.post("evaluate", body, None)

    def export(self) -> Mapping[str, Any]:
        """The trace's ledger as a bundle that can be verified offline."""
        return self.remit.get(f"traces/{self.id}/export")


class Remit:
    """A connection to one Remit with one agent token."""

    def __init__(self, base_url: str, *, token: str, timeout_s: float = 60) -> None:
        self._http = httpx.Client(
            base_url=f"{base_url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=timeout_s,
            follow_redirects=False,
        )

    def open_trace(
        self,
        *,
        intent: str,
        on_behalf_of: str,
        sources: Sequence[Mapping[str, Any]] = (),
        idempotency_key: str | None = None,
    ) -> Trace:
        """Open a trace: what was asked, by whom, from which sources."""
        body = {"intent": intent, "on_behalf_of": on_behalf_of, "sources": list(sources)}
        return Trace(self.post("traces", body, idempotency_key), self)

    def action(self, action_id: str, *, wait_s: int = 0) -> Action:
        """One action, after waiting up to `wait_s` seconds (at most 25) for it to change."""
        return Action(self.get(f"actions/{action_id}", wait=wait_s), self)

    def plan(self, plan_id: str) -> Plan:
        """One plan as it stands now."""
        return Plan(self.get(f"plans/{plan_id}"), self)

    def get(self, path: str, **params: Any) -> Mapping[str, Any]:
        """GET a resource. Raises RemitError."""
        return self._answer(self._http.get(path, params=params))

    def post(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Mapping[str, Any]:
        """POST with an idempotency key (a fresh one unless given). Raises RemitError."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._answer(self._http.post(path, json=body, headers=headers))

    def close(self) -> None:
        """Close the connection pool."""
        self._http.close()

    @staticmethod
    def _answer(response: httpx.Response) -> Mapping[str, Any]:
        try:
            body = response.json()
        except ValueError:
            body = {"title": "Not a JSON answer", "detail": response.text[:200]}
        if response.is_success and isinstance(body, dict):
            return body
        raise RemitError(response.status_code, body)
