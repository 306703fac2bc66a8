"""The authorization code grant and its refresh, as the library asks for it: what it stores is a consent (accounts.consents)."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from accounts.client_documents import NONE, DocumentRefused, document_of
from accounts.consents.clients import asks_people, client_shown, named_by_address
from accounts.consents.redirects import redirect_allowed
from accounts.consents.services import (
    ConsentRefused,
    Terms,
    consent_by_code,
    consent_by_refresh,
    give_consent,
    issue_tokens,
    may_now,
)
from accounts.models import AgentClient, Consent
from accounts.scopes import WORDS, UnknownScope, effects_of, scope_of


class ConsentValidator(OAuth2Validator):  # type: ignore[misc]  # the library has no types
    """Codes, redirects and tokens of clients for which people sign in. Other clients are the library's own."""

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """As a client's own document says; one that cannot be read proves nobody."""
        client = self._load_application(request.client_id, request)
        if client is None or not named_by_address(client):
            return bool(super().client_authentication_required(request, *args, **kwargs))
        try:
            return document_of(client.client_id).method != NONE
        except DocumentRefused:
            return True

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Exactly one of the client's, but for the port of a loopback address."""
        client = _agent_client(request)
        try:
            return client is not None and redirect_allowed(redirect_uri, client_shown(client).redirects)
        except DocumentRefused:
            return False

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """None: an address that was not named is not compared with anything."""

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Clients ask for all that the metadata lists, so more than they may is narrowed at the page, not refused."""
        if asks_people(client):
            return set(scopes) <= set(WORDS)
        return bool(super().validate_scopes(client_id, scopes, client, request, *args, **kwargs))

    def save_authorization_code(
        self, client_id: str, code: dict[str, str], request: Any, *args: Any, **kw: Any
    ) -> None:
        """The person's yes. What changed since they read it, they did not allow."""
        terms = Terms(request.audience, " ".join(request.scopes), request.redirect_uri, request.code_challenge)
        client = _agent_client(request)
        if client is None:
            raise errors.UnauthorizedClientError(request=request)
        try:
            give_consent(client=client, person=request.user, terms=terms, code=code["code"])
        except (ConsentRefused, DocumentRefused) as refused:
            raise errors.AccessDeniedError(request=request) from refused

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """A code of this client that was not used."""
        asker = _agent_client(request)
        return asker is not None and self._take(consent_by_code(asker, code), request)

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """A refresh token of this client that was not used."""
        asker = _agent_client(request)
        return asker is not None and self._take(consent_by_refresh(asker, refresh_token), request)

    def _take(self, consent: Consent | None, request: Any) -> bool:
        reach = may_now(consent) if consent else ""
        if consent is None or not reach:
            return False
        asked = {value for name, value in request.decoded_body or [] if name == "resource"}
        if asked - {consent.audience}:
            raise errors.CustomOAuth2Error(error="invalid_target", description="Allowed was another resource.")
        request.consent, request.user, request.scopes = consent, consent.person, reach.split()
        return True

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """What the consent still reaches."""
        return list(request.scopes)

    def is_within_original_scope(self, scopes: list[str], refresh_token: str, request: Any, *a: Any, **kw: Any) -> bool:
        """Clients ask for what they asked for at first; `save_bearer_token` narrows it."""
        return set(scopes) <= set(WORDS)

    def get_code_challenge(self, code: str, request: Any) -> str:
        """Of the consent that the code belongs to."""
        return str(request.consent.challenge)

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        """The only one."""
        return "S256"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """The very address that the code was sent to."""
        return bool(redirect_uri == request.consent.redirect_uri)

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        """Done with the first tokens, and kept, so that a second use is known."""

    def save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Tokens of a consent are those by which an agent acts for a person, in the place of the ones the library made."""
        # Not by its name alone: what a form says is an attribute of the library's request too.
        consent = vars(request).get("consent")
        if consent is None:
            super().save_bearer_token(token, request, *args, **kwargs)
            return
        try:
            scopes = scope_of(effects_of(" ".join(request.scopes)) & effects_of(may_now(consent)))
        except UnknownScope as error:
            raise errors.InvalidScopeError(request=request) from error
        issued = issue_tokens(consent=consent, scopes=scopes)
        life = int((issued.token.expires_at - issued.token.issued_at).total_seconds())
        token.update(access_token=issued.access, refresh_token=issued.refresh, scope=scopes, expires_in=life)


def _agent_client(request: Any) -> AgentClient | None:
    found = AgentClient.objects.select_related("agent__workspace", "application").filter(application=request.client)
    return found.first() if request.client is not None and asks_people(request.client) else None
