"""One action read anew, with what telling of it needs."""

from accounts.questions import Question
from actions.models import Action

_WHOLE = Question(lambda pk: Action.objects.select_related("tool__connection").filter(pk=pk))


def whole(action_id: str) -> Action:
    """An action with its tool and connection. Raises Action.DoesNotExist."""
    found = _WHOLE.first(action_id)
    if found is None:
        raise Action.DoesNotExist(f"There is no action {action_id}.")
    return found
