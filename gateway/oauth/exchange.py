"""Token exchange (RFC 8693): a person's ID token and an agent's client in, a token of the agent acting for the person out.

The client is the actor, the ID token the subject. What comes out reaches what both may, one address, for minutes.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import JsonResponse, QueryDict

from accounts.access import AgentAuthFailed, authenticate_agent
from accounts.actors import actor_for_agent
from accounts.consents.clients import asks_people
from accounts.models import AgentClient, User
from accounts.oidc.refusal import SignInRefused
from accounts.oidc.subjects import subject_of
from accounts.person_tokens import issue_person_token, reach_for
from accounts.scopes import AGENT, UnknownScope
from gateway.oauth.forms import Refused, private

TYPE = "urn:ietf:params:oauth:token-type:"
ACCESS, SUBJECTS = f"{TYPE}access_token", (f"{TYPE}id_token", f"{TYPE}jwt")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose every part was found good."""

    person: User
    audience: str
    scopes: str
    not_after: datetime


def exchange(form: QueryDict, client: AgentClient) -> JsonResponse:
    """The token, opaque and without a refresh token. Raises Refused."""
    if asks_people(client.application):
        raise Refused("unauthorized_client", "People sign in for this client. Another one exchanges tokens.")
    asked = _asked(form, client)
    token, made = issue_person_token(
        actor=actor_for_agent(client.agent), client=client, person=asked.person, audience=asked.audience,
        scopes=asked.scopes, not_after=asked.not_after,
    )  # fmt: skip
    life = int((made.expires_at - made.issued_at).total_seconds())
    body = {"access_token": token, "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": life}
    return private(JsonResponse(body | {"scope": made.scopes}))


def _asked(form: QueryDict, client: AgentClient) -> Asked:
    if form.get("requested_token_type", ACCESS) != ACCESS:
        raise Refused("invalid_request", f"Only {ACCESS} is given.")
    audience = _audience(form)
    _refuse_other_actors(form, client)
    person, until = _subject(form, client)
    return Asked(person, audience, _scopes(form, client, person), until)


def _audience(form: QueryDict) -> str:
    """The one address the token is for: this server's MCP or REST, exactly as its metadata names it (RFC 8707)."""
    wanted = {*form.getlist("resource"), *form.getlist("audience")}
    known = {settings.REMIT_AUDIENCE_MCP, settings.REMIT_AUDIENCE_REST}
    if len(wanted) != 1 or not wanted <= known:
        raise Refused("invalid_target", f"Name one resource: {' or '.join(sorted(known))}.")
    return str(wanted.pop())


def _refuse_other_actors(form: QueryDict, client: AgentClient) -> None:
    """The client is the actor. A token that says so again must be of the same agent."""
    token, kind = form.get("actor_token"), form.get("actor_token_type")
    if (token is None) != (kind is None):
        raise Refused("invalid_request", "actor_token and actor_token_type go together.")
    if token is None:
        return
    if kind != ACCESS or not _is_own(token, client):
        raise Refused(
            "invalid_request", "The client itself is the actor. Leave actor_token out, or send its agent's own."
        )


def _is_own(token: str, client: AgentClient) -> bool:
    """Whether it is the agent's own token, for either address; one that acts for a person is no actor's."""
    for audience in (settings.REMIT_AUDIENCE_MCP, settings.REMIT_AUDIENCE_REST):
        try:
            caller = authenticate_agent(token, audience=audience)
        except AgentAuthFailed:
            continue
        return caller.agent.pk == client.agent_id and caller.token is None
    return False


def _subject(form: QueryDict, client: AgentClient) -> tuple[User, datetime]:
    token, kind = form.get("subject_token", ""), form.get("subject_token_type", "")
    if not token or kind not in SUBJECTS:
        raise Refused("invalid_request", f"Send subject_token, an ID token, with subject_token_type {SUBJECTS[0]}.")
    try:
        subject = subject_of(token, client.agent.workspace)
    except SignInRefused as refused:
        raise Refused("invalid_request", f"The subject token was refused: {refused.kind}.") from refused
    return subject.person, subject.expires_at


def _scopes(form: QueryDict, client: AgentClient, person: User) -> str:
    try:
        granted = reach_for(client=client, person=person, asked=form.get("scope") or AGENT)
    except UnknownScope as error:
        raise Refused("invalid_scope", str(error)) from error
    if not granted:
        raise Refused("invalid_scope", "Neither the client nor the person may all of this. Ask for less.")
    return granted
