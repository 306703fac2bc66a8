"""Actions, plans and traces as Remit told them last. The clients add the verbs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from remit_client.wire import FINISHED, RESTING


@dataclass(frozen=True, slots=True)
class ActionData:
    """One tool call as Remit sees it now."""

    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["action_id"])

    @property
    def state(self) -> str:
        return str(self.data["state"])

    @property
    def succeeded(self) -> bool:
        return bool(self.data["executed"])

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def yours(self) -> Mapping[str, Any] | None:
        """What this agent has to do itself now, `{arguments, report_to, report_by}`; None otherwise."""
        return self.data.get("yours")

    @property
    def rests(self) -> bool:
        """Whether waiting longer brings nothing: it ended, people look into it, or it is this agent's turn."""
        return not self.pending or self.question is not None

    @property
    def pending(self) -> bool:
        """Whether nothing was executed yet and people or Remit go on with it."""
        return self.state not in RESTING and self.yours is None

    @property
    def question(self) -> str | None:
        """What a reviewer asks this agent to change, while that waits for an answer."""
        asked = (self.data.get("approval") or {}).get("question") or {}
        return str(asked["text"]) if asked.get("waits_for_you") else None

    @property
    def result(self) -> Mapping[str, Any] | None:
        return self.data.get("result")

    @property
    def reason(self) -> str:
        """Why policy decided as it did."""
        return str((self.data.get("decision") or {}).get("reason", ""))

    @property
    def refused_fields(self) -> Sequence[str]:
        return self.data.get("refused_fields") or ()

    @property
    def approval_url(self) -> str | None:
        return (self.data.get("approval") or {}).get("url")


@dataclass(frozen=True, slots=True)
class PlanData:
    """A submitted plan as Remit saw it last."""

    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["plan_id"])

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """Where it stopped, what was done until then and whether it can be resumed; None while it has not stopped."""
        return self.data.get("stopped")


@dataclass(frozen=True, slots=True)
class TraceData:
    """One intent, opened."""

    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["trace_id"])

    @property
    def url(self) -> str:
        return str(self.data["url"])
