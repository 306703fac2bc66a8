"""What an open page asks every few seconds: whether what it shows is still so. It changes nothing and moves nothing (F1, P4).

Without scripts nobody asks; the form then answers 409 in place.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import retarget

from accounts.clock import database_now
from accounts.models import User
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest
from approvals.queue import QueuePage
from approvals.refusals import AlreadyDecided, DigestChanged
from approvals.services import refuse_changed, refuse_settled


def queue_news(request: HttpRequest, page: QueuePage) -> HttpResponse:
    """Nothing while the queue is as it was drawn; else a line that offers to show it."""
    if request.GET["seen"] == page.fingerprint:
        return HttpResponse(status=204)
    return render(request, "approvals/_queue_news.html", {"queue": page, "changed": True})


def stale_panel(request: HttpRequest, user: User, found: ApprovalRequest) -> HttpResponse:
    """Nothing while this person may decide what was drawn; the reason in place of the form when they may not any more."""
    ended = _ended(user, found)
    if ended:
        context = {"id": "decision", "sentence": ended, "open": False}
        return retarget(render(request, "approvals/_stale_panel.html", context), "#decision")
    try:
        refuse_changed(found, request.GET["seen"])
    except DigestChanged as error:
        return render(request, "approvals/_stale_panel.html", {"id": "still", "sentence": str(error), "open": True})
    return HttpResponse(status=204)


def _ended(user: User, found: ApprovalRequest) -> str:
    try:
        refuse_settled(found, database_now())
    except AlreadyDecided as error:
        return str(error)
    return eligibility(user, found).reason
