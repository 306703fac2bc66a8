"""The one request of an action, composed the same way every time, and its fingerprint (F-01)."""

from actions.connectors.base import Sent
from actions.connectors.operation import fill
from actions.execution.reach import Reach
from actions.models import Action
from traces.canonical import digest_of


def compose(action: Action, way: Reach) -> Sent:
    """The request without its credential. The key is the action's id on every attempt. Raises OperationError."""
    return way.connector.compose(
        way.operation,
        action.arguments,
        way.definition.fields(action.arguments),
        version=(action.before or {}).get("version"),
        idempotency_key=action.pk,
        action_id=action.pk,
    )


def request_digest(action: Action, sent: Sent) -> str:
    """What left, as a fingerprint; the action's nonce keeps it from being guessed back into the values."""
    return digest_of(
        {
            "method": sent.method,
            "path": sent.path,
            "headers": dict(sent.headers),
            "body": dict(sent.body) if sent.body is not None else None,
            "nonce": action.nonce,
        }
    )


def attempt_record(action: Action, way: Reach) -> str | None:
    """The record an attempt's credential is bound to; None where the call makes or lists records."""
    part = way.operation.write or way.operation.read
    if part is None:
        return None  # A call of an MCP tool names its record in arguments that only its server understands.
    bound = way.operation.read_created is None and not (way.operation.read and way.operation.read.rows)
    return fill(part.path, action.arguments) if bound else None
