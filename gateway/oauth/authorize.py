"""The authorization page (RFC 6749 section 4.1): a signed-in person allows an agent's client to have the agent act for them.

The library checks client, redirect and PKCE; what is asked stands in the address alone and is checked again when the answer is
sent, so the form carries nothing that could be changed.

The answer reaches the client by a page that sends the browser on, not by a redirect of the form: browsers hold every redirect
after a form to `form-action`, also those that the client makes afterwards to wherever it likes.

INVARIANT: only a person's own POST from this page gives a code. Held by tests/gateway/test_authorize.py.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedRedirect
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.views.base import BaseAuthorizationView
from oauthlib.oauth2.rfc6749 import errors

from accounts.client_documents import DocumentRefused
from accounts.consents.clients import client_shown
from accounts.consents.redirects import host_of, schemes
from accounts.consents.services import can_be_asked
from accounts.models import Agent, AgentClient, User
from accounts.person_tokens import reach_for
from accounts.scopes import AGENT
from gateway.oauth.consent_page import ConsentPage

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
ALLOW, DENY = "allow", "deny"
# All that the form sends; the library would take a parameter of the request from there too.
SENT = {"csrfmiddlewaretoken", "shown", "answer"}


class Authorize(BaseAuthorizationView):  # type: ignore[misc]  # the library has no types
    """GET shows who asks for what; POST sends the person's answer back to the client."""

    http_method_names = ("get", "head", "post")

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page. It never answers by itself, whatever the request asks for and whatever was allowed before."""
        try:
            _, page = self._asked(request)
        except OAuthToolkitError as error:
            return self._refused(error)
        return _shown(request, page)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Allow or deny, for exactly what the page showed; anything else shows it again."""
        try:
            credentials, page = self._asked(request)
            answer = request.POST.get("answer")
            if answer not in (ALLOW, DENY) or request.POST.get("shown") != page.digest:
                return _shown(request, page, status=409)
            uri, *_ = self.create_authorization_response(request, page.scopes, credentials, answer == ALLOW)
        except OAuthToolkitError as error:
            return self._refused(error)
        return self.redirect(uri, None)

    def _refused(self, error: OAuthToolkitError) -> HttpResponse:
        answer: HttpResponse = self.error_response(error, None)
        return answer

    def _asked(self, request: HttpRequest) -> tuple[dict[str, Any], ConsentPage]:
        """What the client asks for, as the library takes it and as people read it. Raises OAuthToolkitError."""
        if set(request.POST) - SENT:
            raise FatalClientError(errors.InvalidRequestFatalError())
        person = User.objects.get(pk=request.user.pk)
        client = _client(str(request.GET.get("client_id", "")), person)
        try:
            _, credentials = self.validate_authorization_request(request)
            shown = client_shown(client)
        except (DocumentRefused, ValueError) as error:  # ValueError: a query that is no text.
            raise FatalClientError(errors.InvalidRequestFatalError()) from error
        asked = credentials.pop("request")
        refuse = _refusals(asked, client, credentials)
        if refuse is None:
            scopes = reach_for(client=client, person=person, asked=" ".join(asked.scopes) or AGENT)
            refuse = None if scopes else errors.AccessDeniedError("You may have none of this done.", request=asked)
        if refuse is not None:
            raise OAuthToolkitError(refuse)
        audience = request.GET["resource"]
        return credentials | {"audience": audience}, ConsentPage(
            client=shown, agent=client.agent, person=person, scopes=scopes, audience=audience,
            redirect_uri=credentials["redirect_uri"],
        )  # fmt: skip

    def redirect(self, redirect_to: str, application: Any) -> HttpResponse:
        """On to a registered address, with who answers (RFC 9207), also where the answer is an error."""
        parts = urlsplit(redirect_to)
        if parts.scheme not in schemes():
            raise DisallowedRedirect("An answer goes to no such address.")
        told = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "iss"]
        place = parts._replace(query=urlencode([*told, ("iss", settings.REMIT_BASE_URL)])).geturl()
        page = render(self.request, "gateway/consent_sent.html", {"place": place, "host": host_of(place)})
        page["Refresh"], page["Cache-Control"] = f"0;url={place}", "no-store"
        return page

    def render_to_response(self, context: dict[str, Any], status: int = 400) -> HttpResponse:
        """An error that goes to nobody but the person: no address was found good."""
        return render(self.request, "gateway/consent_refused.html", {"error": context["error"]}, status=400)


def _client(client_id: str, person: User) -> AgentClient:
    """The client, where this person could be asked for it. Absent and somebody else's look alike."""
    known = AgentClient.objects.select_related("agent__workspace", "agent__owner", "application")
    found = known.filter(application__client_id=client_id).first() if client_id.isprintable() else None
    if found is None or not can_be_asked(found, person):
        raise FatalClientError(errors.InvalidClientIdError())
    return found


def _refusals(asked: Any, client: AgentClient, credentials: dict[str, Any]) -> errors.OAuth2Error | None:
    """What the library lets pass and Remit does not; told to the client, because its address is good."""
    resources = [value for name, value in asked.uri_query_params if name == "resource"]
    known = {settings.REMIT_AUDIENCE_MCP, settings.REMIT_AUDIENCE_REST}
    if len(resources) != 1 or not set(resources) <= known:
        said = f"Name one resource: {' or '.join(sorted(known))}."
        return errors.CustomOAuth2Error("invalid_target", description=said, request=asked)
    if asked.response_mode not in (None, "query"):
        return errors.InvalidRequestError("Only response_mode=query is answered.", request=asked)
    challenge = credentials.get("code_challenge", "")
    if credentials.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(challenge):
        return errors.InvalidRequestError("Send code_challenge with code_challenge_method=S256.", request=asked)
    if client.agent.state == Agent.State.DISABLED:
        return errors.UnauthorizedClientError("The agent is disabled.", request=asked)
    return None


def _shown(request: HttpRequest, page: ConsentPage, *, status: int = 200) -> HttpResponse:
    response = render(request, "gateway/consent.html", {"page": page, "again": status != 200}, status=status)
    response["Cache-Control"] = "no-store"
    return response
