"""Which scopes a client may ask for: the authorization server's library asks here."""

from typing import Any

from oauth2_provider.scopes import SettingsScopes

from accounts.models import AgentClient
from accounts.scopes import AGENT, EVERYTHING, WORDS, effects_of


class ClientScopes(SettingsScopes):  # type: ignore[misc]  # The library has no types.
    """A client's own scopes. INVARIANT: no client widens them by asking. Held by tests/gateway/test_scopes.py."""

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """All there are for the metadata document; for a client its own, and none for one that is no agent's."""
        return list(WORDS) if application is None else _own(application)

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """What a client gets that asks for nothing: all it may."""
        own = _own(application)
        return [AGENT] if AGENT in own else own


def _own(application: Any) -> list[str]:
    client = AgentClient.objects.filter(application=application).first()
    reach = effects_of(client.scopes) if client else frozenset()
    return [word for word in WORDS if word in reach or (word == AGENT and reach == EVERYTHING)]
