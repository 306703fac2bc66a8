"""The library's checks of OAuth clients, with client secrets kept by the hash that fits them, and clients that sign instead."""

from typing import Any

from oauth2_provider.models import Application

from accounts.client_assertions import client_by_assertion
from accounts.consents.validator import ConsentValidator
from accounts.secret_hashing import stored_anew


class ClientValidator(ConsentValidator):
    """A secret that was stored by a slow hash is stored anew when it is next shown, so that no client has to change.

    A client that is named by an address proves itself by an assertion (accounts.client_assertions), in that one way alone.
    """

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Always for who shows an assertion."""
        return _assertion(request) is not None or bool(super().client_authentication_required(request, *args, **kwargs))

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """By its secret, or by its assertion; who shows both has shown neither."""
        assertion = _assertion(request)
        if assertion is None:
            return bool(super().authenticate_client(request, *args, **kwargs))
        if self._extract_basic_auth(request) or getattr(request, "client_secret", None):
            return False
        kind = str(getattr(request, "client_assertion_type", None))
        found = client_by_assertion(kind, assertion, getattr(request, "client_id", None))
        request.client = found.application if found else None
        if found is not None:
            request.client_id = found.application.client_id
        return found is not None

    def _load_application(self, client_id: Any, request: Any) -> Any:
        """None for a text that PostgreSQL cannot hold, as for any other that names no client."""
        named = str(client_id)
        return super()._load_application(named, request) if named.isprintable() else None

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        if not super()._check_secret(provided_secret, stored_secret):
            return False
        anew = stored_anew(provided_secret, stored_secret)
        if anew is not None:
            # By the value that was read: of two requests one does it, and a secret that was changed meanwhile stays changed.
            Application.objects.filter(client_secret=stored_secret).update(client_secret=anew)
        return True


def _assertion(request: Any) -> str | None:
    found = getattr(request, "client_assertion", None)
    return None if found is None else str(found)
