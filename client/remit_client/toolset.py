"""Remit's tools as an agent's model sees them: names a model may use, calls that survive a restart, answers that stand alone.

Every adapter is a thin shape around this. A client's own approval never decides here (a framework may ask its user; Remit asks
its approvers), and the same call under the same id is the same action.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from remit_client.client import Action, Trace
from remit_client.wire import RemitError

WAITS = (
    "Nothing was executed. A person decides at the address above; do not send the call again and do not work around it."
)
REFUSED = "It was not executed. Do not retry it unchanged."
UNFIT = "The arguments are no object that JSON can carry."


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool. `name` is Remit's, `safe_name` the same for models that allow no dots."""

    name: str
    safe_name: str
    description: str
    schema: Mapping[str, Any]
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What the model is told of a call. `pending`: people decide; ask again under the same call id."""

    text: str
    is_error: bool
    pending: bool
    action: Action | None = None

    @property
    def approval_url(self) -> str | None:
        return self.action.approval_url if self.action else None


class Toolset:
    """The tools of one agent in one trace. `wait_s`: how long a call may wait for people before it is told as pending."""

    def __init__(self, trace: Trace, *, wait_s: float = 0) -> None:
        self._trace, self._wait_s = trace, wait_s
        specs = [_spec(one) for one in trace.remit.tools()]
        self._by_name = {name: spec for spec in specs for name in (spec.name, spec.safe_name)}
        self.specs: tuple[ToolSpec, ...] = tuple(specs)

    def has(self, name: str) -> bool:
        """Whether this is a tool of Remit, by either name."""
        return name in self._by_name

    def call(self, name: str, arguments: Any, call_id: str | None) -> Told:
        """Propose one call, or find the one proposed under this id before. `arguments` are the model's, whatever they are.

        Where the stack gives no id a read is read anew, and the same call of anything else is the same action of the trace.
        Raises httpx.HTTPError when Remit was not reached, and RemitError when it is broken or the token is not accepted: then
        nothing may be assumed.
        """
        spec = self._by_name.get(name)
        if spec is None:
            return Told(f"There is no tool {name}. {REFUSED}", is_error=True, pending=False)
        text = _text(arguments)
        if text is None:
            return Told(f"{UNFIT} {REFUSED}", is_error=True, pending=False)
        named = call_id or (str(uuid.uuid4()) if spec.reads else f"{spec.name} {text}")
        try:
            action = self._trace.call(spec.name, arguments, idempotency_key=self._key(named))
            return told(self._settled(action))
        except RemitError as error:
            if error.status not in (400, 404, 409, 413, 422):
                raise
            return Told(f"{error} {REFUSED}", is_error=True, pending=False)

    def _settled(self, action: Action) -> Action:
        """How it stands now: the answer kept for a key is the first one given."""
        if action.rests:
            return action
        try:
            return action.wait(timeout_s=self._wait_s)
        except TimeoutError:
            return action.now()

    def _key(self, call_id: str) -> str:
        return "call-" + hashlib.sha256(f"{self._trace.id} {call_id}".encode()).hexdigest()


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    name, reads = tool["name"], tool.get("effect_class") == "read"
    return ToolSpec(name, name.replace(".", "__"), tool["description"], tool["input_schema"], reads)


def parsed(arguments: str | None) -> Any:
    """Arguments as a model wrote them; None, which is refused, for what is no JSON."""
    try:
        return json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return None


def _text(arguments: Any) -> str | None:
    """The arguments as they would be sent, always in one order; None where they cannot be."""
    if not isinstance(arguments, Mapping):
        return None
    try:
        text = json.dumps(dict(arguments), allow_nan=False, ensure_ascii=False, sort_keys=True)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return text


def told(action: Action) -> Told:
    """The outcome as text that stands alone: frameworks drop flags and structured parts, never the text."""
    facts: dict[str, Any] = {
        "state": action.state,
        "executed": action.succeeded,
        "reason": action.reason,
        "detail": action.data.get("detail", ""),
        "trace": action.data["trace_url"],
    }
    facts |= {"result": action.result} if action.succeeded else {}
    facts |= {"refused_fields": list(action.refused_fields)} if action.refused_fields else {}
    if action.pending:
        facts |= {"approval_url": action.approval_url, "note": WAITS}
        facts |= {"a_reviewer_asks": action.question} if action.question else {}
    elif not action.succeeded:
        facts |= {"note": REFUSED if action.finished else "It may have taken effect. Do not send it again."}
    error = not action.succeeded and not action.pending
    return Told(json.dumps(facts, ensure_ascii=False), is_error=error, pending=action.pending, action=action)
