"""Start of a sign-in at the identity provider, and its return. A refusal is a page with a reason and no session."""

import logging
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from accounts.oidc.backend import callback_url
from accounts.oidc.configured import configured
from accounts.oidc.provider import provider
from accounts.oidc.refusal import SignInRefused
from accounts.tries import note_refusal
from accounts.views import refused_page, safe_path

logger = logging.getLogger("remit.sign_in")

STATES = "oidc_states"  # The library's session key: state -> nonce, code verifier, when.
STATE_LIVES_S = 600


@method_decorator(never_cache, name="dispatch")
class StartView(OIDCAuthenticationRequestView):  # type: ignore[misc]  # The library has no types.
    """Sends the person to the provider with state, nonce and PKCE."""

    def __init__(self, **kwargs: Any) -> None:
        """Not the library's, which needs its endpoint at this moment; ours may have to ask the provider first."""
        super(OIDCAuthenticationRequestView, self).__init__(**kwargs)
        self.OIDC_RP_CLIENT_ID = configured().client_id

    def get(self, request: HttpRequest) -> HttpResponse:
        """A redirect. The page to return to is kept with the state, so that tabs do not take each other's."""
        try:
            self.OIDC_OP_AUTH_ENDPOINT = provider().endpoints["OIDC_AUTHORIZATION_URL"]
        except SignInRefused as refused:
            return _refuse(request, refused)
        response: HttpResponse = super().get(request)
        state = parse_qs(urlsplit(response["Location"]).query)["state"][0]
        request.session.pop("oidc_login_next", None)
        request.session[STATES][state]["next"] = safe_path(request.GET.get("next", ""))
        return response

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        """The address to return to comes from settings, not from the Host header (R-11)."""
        return {"redirect_uri": callback_url()}


@method_decorator(never_cache, name="dispatch")
class CallbackView(OIDCAuthenticationCallbackView):  # type: ignore[misc]  # The library has no types.
    """Receives the provider's answer. It is believed only for a state this browser started in the last ten minutes."""

    next_path: str | None = None

    def get(self, request: HttpRequest) -> HttpResponse:
        """A redirect into the console, or the sign-in page with a reason and status 403."""
        try:
            self._check_answer(request)
            response: HttpResponse = super().get(request)
        except SignInRefused as refused:
            return _refuse(request, refused)
        return response

    def _check_answer(self, request: HttpRequest) -> None:
        """State first: an answer nobody here asked for changes nothing. Then issuer (RFC 9207), error and code."""
        state = request.GET.get("state", "")
        pending = request.session.get(STATES, {}).get(state)
        if pending is None:
            raise SignInRefused("unknown-state", "This sign-in was not started here, or was used already. Start again.")
        try:
            _check(request, pending)
        except SignInRefused:
            del request.session[STATES][state]
            request.session.modified = True
            raise
        self.next_path = pending.get("next")

    @property
    def success_url(self) -> str:
        return self.next_path or resolve_url(settings.LOGIN_REDIRECT_URL)

    def login_failure(self) -> HttpResponse:
        raise SignInRefused("refused", "You could not be signed in. Start again, or tell whoever runs Remit.")


def _check(request: HttpRequest, pending: dict[str, Any]) -> None:
    if time.time() - pending["added_on"] > STATE_LIVES_S:
        raise SignInRefused("old-state", "This sign-in took longer than ten minutes. Start again.")
    expected, issuers = provider(), request.GET.getlist("iss")
    if issuers != [expected.issuer] and (issuers or expected.names_itself):
        raise SignInRefused("mixed-up", "The answer came from another sign-in service than the one asked. Start again.")
    if "error" in request.GET or not request.GET.get("code"):
        raise SignInRefused("declined", "Your organisation did not sign you in. Start again, or ask it why.")


def _refuse(request: HttpRequest, refused: SignInRefused) -> HttpResponse:
    logger.warning("sign-in refused: %s", refused.kind)
    note_refusal(kind=refused.kind, user=refused.user, issuer=configured().issuer)
    return refused_page(request, str(refused))
