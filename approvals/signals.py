"""The one message that travels upward: a request was settled. Sent after commit; receivers must be safe to run twice."""

from django.dispatch import Signal

# Arguments: request_id (text).
verdict_recorded = Signal()
