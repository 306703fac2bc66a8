"""Who an agent's client is, as the person who is asked reads it, and where its answers may go."""

from dataclasses import dataclass

from oauth2_provider.models import Application

from accounts.client_documents import LONGEST_NAME, document_of
from accounts.consents.redirects import host_of
from accounts.models import AgentClient


@dataclass(frozen=True, slots=True)
class ClientShown:
    """A client by its name and host. `published` says that both come from its own document, at that host."""

    name: str
    host: str
    published: bool
    redirects: tuple[str, ...]


def named_by_address(application: Application) -> bool:
    """Whether the client's id is the address of its document."""
    return "://" in application.client_id


def asks_people(application: Application) -> bool:
    """Whether people sign in for this client; the others get tokens by their own credentials."""
    return bool(application.authorization_grant_type == Application.GRANT_AUTHORIZATION_CODE)


def client_shown(client: AgentClient) -> ClientShown:
    """The client of people who sign in. Raises DocumentRefused for one whose document cannot be read now."""
    application = client.application
    if not asks_people(application):
        return ClientShown(application.name, "", False, ())
    if named_by_address(application):
        document, host = document_of(application.client_id), host_of(application.client_id)
        return ClientShown(document.name or host[:LONGEST_NAME], host, True, document.redirects)
    redirects = tuple(application.redirect_uris.split())
    return ClientShown(application.name, host_of(redirects[0]), False, redirects)
