"""Authenticates agents by bearer token. A failure is typed, answered as RFC 9457, and never falls open."""

from django.http import HttpRequest

from accounts.access import AgentAuthFailed, authenticate_agent
from accounts.models import Agent
from gateway.problems import Problem

CHALLENGE = 'Bearer realm="remit"'


def agent_of(request: HttpRequest) -> Agent:
    """The agent a request is made by. Raises Problem 401; cookies and query strings are never read (M-02)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "no-token", "No agent token", "Send the agent's token as `Authorization: Bearer rmt_…`.")
    try:
        return authenticate_agent(token.strip())
    except AgentAuthFailed as failure:
        raise Problem(401, failure.kind, "The agent token was refused", str(failure)) from failure
