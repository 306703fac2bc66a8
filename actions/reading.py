"""Actions read with what telling of them needs: one anew, or what the rows of a page name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from accounts.models import Agent, User
from accounts.questions import Question, among
from actions.definition import Definition
from actions.models import Action, Tool

_WHOLE = Question(lambda pk: Action.objects.select_related("tool__connection").filter(pk=pk))


def whole(action_id: str) -> Action:
    """An action with its tool and connection. Raises Action.DoesNotExist."""
    found = _WHOLE.first(action_id)
    if found is None:
        raise Action.DoesNotExist(f"There is no action {action_id}.")
    return found


@dataclass(frozen=True, slots=True)
class Named:
    """What some actions name: agents and people by their ids, and what their tools are."""

    names: Mapping[str, str]
    tools: Mapping[str, Definition]

    def who(self, action: Action) -> str:
        """The person who acted in their own name, or else the agent."""
        return self.names[action.acting_user_id or action.agent_id]

    def definition(self, action: Action) -> Definition | None:
        """As `Action.definition`."""
        known = self.tools.get(action.tool_id or "")
        return replace(known, redact=action.redact) if known else None


_NAMES = Question(
    lambda agents, people: (
        Agent.objects.filter(among("pk", agents))
        .order_by()
        .values_list("pk", "name")
        .union(User.objects.filter(among("pk", people)).values_list("pk", "name"), all=True)
    )
)
_TOOLS = Question(
    lambda tools: (
        Tool.objects.select_related("connection")
        .only("definition_text", "connection__slug")
        .filter(among("pk", tools))
        .order_by()
    )
)


def named_in(actions: Sequence[Action]) -> Named:
    """Asked for all of them together: joined to each, the database plans for longer than it reads."""
    people = {one for action in actions for one in (action.requester_id, action.acting_user_id) if one}
    names = _NAMES.all(list({action.agent_id for action in actions}), list(people))
    tools = _TOOLS.all(list({action.tool_id for action in actions if action.tool_id}))
    return Named(dict(names), {tool.pk: tool.read({}) for tool in tools})
