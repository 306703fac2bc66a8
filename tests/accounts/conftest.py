"""People without the desk, and a console that signs in at a real provider on loopback."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.oidc import provider as provider_module
from accounts.oidc_settings import oidc_settings
from tests.accounts.provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.cast import Cast, build_people
from tests.snapshot import restored


@pytest.fixture
def people(db) -> Cast:
    return restored("people", build_people)


@pytest.fixture(scope="session")
def running_provider():
    running = Provider()
    yield running
    running.stop()


@pytest.fixture
def provider(running_provider, settings) -> Provider:
    """The provider, honest, and the console configured for it as by its environment."""
    running_provider.be_honest()
    configure(settings, running_provider)
    settings.ROOT_URLCONF = "tests.accounts.oidc_urls"
    provider_module._kept.clear()
    return running_provider


def configure(settings, provider: Provider, **more: str) -> None:
    environment = {"OIDC_ISSUER": provider.issuer, "OIDC_CLIENT_ID": CLIENT_ID, "OIDC_CLIENT_SECRET": CLIENT_SECRET}
    for name, value in oidc_settings(environment | more).items():
        setattr(settings, name, value)


@dataclass
class Browser:
    """One browser in front of the console: follows a sign-in by hand, so that a test can meddle between two steps."""

    client: Client

    def start(self, next_path: str = "/") -> str:
        """The address at the provider that the console sends this browser to."""
        response = self.client.get("/oidc/authenticate/", {"next": next_path})
        assert response.status_code == 302, response.content.decode()
        return response["Location"]

    def at_provider(self, address: str) -> str:
        """The path and query that the provider sends this browser back to."""
        parts = urlsplit(httpx.get(address, trust_env=False).headers["Location"])
        return f"{parts.path}?{parts.query}"

    def sign_in(self, next_path: str = "/") -> HttpResponse:
        return self.client.get(self.at_provider(self.start(next_path)))

    @property
    def user(self) -> User | None:
        """Who the console takes this browser for, by its session in the database."""
        return User.objects.filter(pk=self.client.session.get("_auth_user_id")).first()


@pytest.fixture
def browser(db) -> Browser:
    return Browser(Client())
