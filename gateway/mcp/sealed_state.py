"""requestState: which action a repeated call is about, sealed here and bound to its agent and call. It carries no authority.

Possession is not enough (M-04): the action is looked up as the agent's own, whoever sends the state.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import orjson

from accounts.sealing import SealBroken, seal_for, unseal_for

PURPOSE = "mcp request state"


class BadState(ValueError):
    """A state that was not sealed here, or for another agent or call."""


def seal(*, agent_id: str, call: str, action_id: str) -> str:
    """`call` is the digest of the tool and its arguments."""
    return seal_for(PURPOSE, orjson.dumps([agent_id, call, action_id]).decode())


def unseal(state: str, *, agent_id: str, call: str) -> str:
    """The action's id. Raises BadState."""
    try:
        # Base64 may be written in more than one way; a state is taken only as it was given out.
        if urlsafe_b64encode(urlsafe_b64decode(state)).decode() != state:
            raise SealBroken("The state was changed.")
        agent, about, action_id = orjson.loads(unseal_for(PURPOSE, state))
    except (SealBroken, ValueError) as error:
        raise BadState("requestState was not made here. Send the call again without it.") from error
    if (agent, about) != (agent_id, call):
        raise BadState("requestState belongs to another call. Send the call again without it.")
    return str(action_id)
