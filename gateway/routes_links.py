"""Links that show a trace to the person it is for, in the product they asked in."""

from typing import Any

from django.http import HttpRequest
from ninja import Status

from accounts.access import NotThisPerson, NotVisible, person_for
from accounts.actors import Caller
from accounts.models import User
from gateway.api import api
from gateway.auth import caller_of
from gateway.problems import Problem, absent
from gateway.routes import ERRORS, trace_at_work
from gateway.schemas import LinkIn, LinkOut, RevokedOut
from traces.canonical import instant
from traces.embed.access import get_link_for_agent, url_of
from traces.embed.models import ShownLink
from traces.embed.services import LinkRefused, issue_link, revoke_link


@api.post("/traces/{trace_id}/links", response={201: LinkOut, **ERRORS}, operation_id="show_work_link", tags=["traces"])
def post_link(request: HttpRequest, trace_id: str, body: LinkIn) -> Any:
    """A link that shows this trace to the person it is for, without an account in the console. 409 when it may not."""
    caller = caller_of(request)
    trace = trace_at_work(caller, trace_id)
    person = _person(caller, body.on_behalf_of)
    try:
        link = issue_link(actor=caller.actor, trace=trace, person=person, expires_in_s=body.expires_in_s)
    except LinkRefused as error:
        raise Problem(409, "no-link", "No link was given", str(error), trace_id=trace.pk) from error
    return Status(201, _link_out(link))


@api.post("/links/{link_id}/revoke", response={200: RevokedOut, **ERRORS}, operation_id="revoke_link", tags=["traces"])
def post_revoke(request: HttpRequest, link_id: str) -> Any:
    """End a link before its time. Doing it again changes nothing."""
    caller = caller_of(request)
    try:
        link = get_link_for_agent(caller.agent, link_id, person=caller.person)
    except NotVisible as error:
        raise absent("link") from error
    revoke_link(actor=caller.actor, link=link)
    return {"link_id": link.pk, "trace_id": link.trace_id, "revoked": True}


def _person(caller: Caller, name: str) -> User:
    """Someone who is nobody here is answered like someone the trace is not for."""
    try:
        return person_for(caller, name)
    except NotThisPerson as error:
        detail = "A trace is shown by link only to the person it is for."
        raise Problem(409, "no-link", "No link was given", detail) from error


def _link_out(link: ShownLink) -> dict[str, Any]:
    return {
        "link_id": link.pk,
        "trace_id": link.trace_id,
        "url": url_of(link),
        "expires_at": instant(link.expires_at),
    }
