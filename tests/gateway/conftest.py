"""The doors, with a real OpenID provider on loopback where a person's own token is shown to them."""

from tests.accounts.conftest import provider, running_provider

__all__ = ["provider", "running_provider"]
