"""Authenticates agents by bearer token. A failure is typed, answered as RFC 9457, and never falls open."""

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from accounts.access import AgentAuthFailed, authenticate_agent
from accounts.actors import Caller
from gateway.problems import Problem


def challenge(door: str, why: str = "no-token") -> str:
    """What a 401 of a door asks for, and where the rules of asking stand (RFC 9728). A token that was shown is called invalid."""
    return _asked(door, "" if why == "no-token" else ' error="invalid_token",')


def scope_challenge(door: str, scope: str) -> str:
    """What a 403 asks for: a token that has this scope, which holds that of the one shown (M-02, RFC 6750 section 3.1)."""
    return _asked(door, f' error="insufficient_scope", scope="{scope}",')


def _asked(door: str, error: str) -> str:
    place = f"{settings.REMIT_BASE_URL}/.well-known/oauth-protected-resource/{door}"
    return f'Bearer realm="remit",{error} resource_metadata="{place}"'


class AgentToken(HttpBearer):
    """The one way in: `Authorization: Bearer rmt_…`. Cookies and query strings are never read (M-02)."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """Who calls, which becomes `request.auth`. Raises Problem 401."""
        try:
            return authenticate_agent(token.strip(), audience=settings.REMIT_AUDIENCE_REST)
        except AgentAuthFailed as failure:
            raise Problem(401, failure.kind, "The agent token was refused", str(failure)) from failure


def caller_of(request: HttpRequest) -> Caller:
    """Who an authenticated request is made by."""
    caller: Caller = request.auth  # type: ignore[attr-defined]  # set by ninja from AgentToken
    return caller
