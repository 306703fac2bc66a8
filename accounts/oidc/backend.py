"""mozilla-django-oidc's backend with R-10 closed: who signs in is decided here, by issuer and subject, never by email."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts.clock import database_now
from accounts.models import User
from accounts.oidc import provider
from accounts.oidc.configured import configured
from accounts.oidc.people import person_for
from accounts.oidc.refusal import SignInRefused
from accounts.oidc.tokens import Expected, algorithm_of, require_access_token_hash, verified_claims


class IdentityBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # The library has no types.
    """Overrides every step that reads an answer of the provider. Each raises SignInRefused; none returns None for "no".

    INVARIANT: no attempt of tests/accounts/test_oidc_attacks.py leaves a session.
    """

    def __init__(self) -> None:
        """Made for every permission check too, so it reads settings only. The library's own asks for its endpoints."""
        self.OIDC_RP_CLIENT_ID = configured().client_id
        self.OIDC_RP_CLIENT_SECRET = configured().client_secret
        self.UserModel = User

    def authenticate(self, request: HttpRequest, *, nonce: str, code_verifier: str) -> User | None:
        """Only for the callback: the two required names keep password credentials from ever reaching this method."""
        found: User | None = super().authenticate(request, nonce=nonce, code_verifier=code_verifier)
        return found

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The token answer. The secret travels in the header, and the address to return to is never built from Host (R-11)."""
        form = {name: value for name, value in payload.items() if name != "client_secret"}
        answer = provider.exchange_code(form | {"redirect_uri": callback_url()})
        for name in ("id_token", "access_token"):
            if not isinstance(answer.get(name), str) or not answer[name]:
                raise SignInRefused("no-token", f"Your organisation's sign-in answered without {name}.")
        return answer

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """The claims of the ID token, each checked."""
        expected = Expected(
            issuer=configured().issuer,
            client_id=configured().client_id,
            nonce=kwargs.get("nonce") or "",
            algorithms=configured().algorithms,
        )
        return verified_claims(token, provider.signing_keys(), expected, database_now())

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """The person of the verified ID token; the userinfo answer must be about the same subject (5.3.2)."""
        require_access_token_hash(payload, algorithm_of(id_token, configured().algorithms), access_token)
        info = provider.userinfo(access_token)
        if info.get("sub") != payload["sub"]:
            raise SignInRefused("wrong-subject", "Your organisation's sign-in described two different people.")
        return person_for(payload, info)

    def get_user(self, user_id: str) -> User | None:
        """As Django's own backend: nobody inactive. The library's returns them, so their sessions would live on (V7.4.2)."""
        found: User | None = ModelBackend.get_user(self, user_id)
        return found


def callback_url() -> str:
    """Where the provider sends people back to."""
    return configured().base_url + reverse("oidc_authentication_callback")
