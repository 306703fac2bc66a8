"""What a link opens. No cookie is read and none is set: the link is the authority, so a frame on another site works alike."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from traces.embed.access import LinkGone, frame_origins, link_for
from traces.embed.models import ShownLink
from traces.embed.reading import for_asker, hidden_in
from traces.embed.services import WINDOW, TooManyTurns, record_shown_answer, take_turn
from traces.polling import asks_again, kept
from traces.services import note_opening
from traces.show import integrity_panel, show_with_proof


@require_GET
def show(request: HttpRequest, token: str) -> HttpResponse:
    """Show work, for the person it is for: read-only, without the console around it. While it runs the page polls itself.

    A poll that finds nothing new renders nothing, so it is not counted as a use of the link.
    """
    try:
        link = link_for(token)
    except LinkGone as gone:
        return _gone(request, gone)
    origins = frame_origins(link.trace.workspace)
    if asks_again(request, link.trace):
        return _framed(HttpResponse(status=204), origins)
    try:
        take_turn(link)
    except TooManyTurns:
        return _too_many(request, origins)
    note_opening(user=link.person, trace=link.trace)
    context = _context(request, link, token)
    return _framed(render(request, "traces/shown_detail.html", context), origins, polls=bool(context["poll_url"]))


def _context(request: HttpRequest, link: ShownLink, token: str) -> dict[str, Any]:
    tab = request.GET.get("tab", "")
    opened = frozenset(request.GET.get("open", "").split(","))
    story, integrity, inclusion = show_with_proof(
        link.trace, tab="" if tab == "events" else tab, whole=request.GET.get("show") == "all", opened=opened
    )
    return {
        "link": link,
        "story": for_asker(story),
        "hidden": hidden_in(story, entries=integrity.records),
        "integrity": integrity_panel(integrity, inclusion),
        "all_checks": request.GET.get("checks") == "all" or story.shows_passed,
        "all_calls": request.GET.get("calls", ""),
        "opened": opened,
        "answer_url": reverse("embed:answer", args=[token]),
        "poll_url": "" if story.finished else f"{request.path}?{kept(request, integrity.records)}",
    }


# A link is no ambient authority: a site that does not have it cannot have it sent, and one that has it may use it.
@csrf_exempt
@require_POST
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Whether the page answered its reader's question."""
    try:
        link = link_for(token)
    except LinkGone as gone:
        return _gone(request, gone)
    try:
        take_turn(link)
        record_shown_answer(link=link, answer=request.POST.get("answer", ""), line=request.POST.get("line", ""))
    except TooManyTurns:
        return _too_many(request, frame_origins(link.trace.workspace))
    except ValueError:
        pass  # Neither button was pressed; the page with both of them is shown again.
    return redirect(f"{reverse('embed:show', args=[token])}#answer")


def _gone(request: HttpRequest, gone: LinkGone) -> HttpResponse:
    """One page whatever the reason. Only a link that was once ours is told so inside the frame it was in."""
    origins = frame_origins(gone.workspace) if gone.workspace else []
    return _framed(render(request, "traces/shown_gone.html", status=404), origins)


def _too_many(request: HttpRequest, origins: Sequence[str]) -> HttpResponse:
    response = render(request, "traces/shown_often.html", status=429)
    response["Retry-After"] = str(int(WINDOW.total_seconds()))
    return _framed(response, origins)


def _framed(response: HttpResponse, origins: Sequence[str], *, polls: bool = False) -> HttpResponse:
    """Framed by the listed origins and by nobody else; nothing of it is kept or found.

    No script runs, but Remit's own on a page that asks Remit for what is new (`polls`).
    """
    policy = {"frame-ancestors": list(origins) or ["'none'"]}
    if not polls:
        policy |= {"script-src": ["'none'"], "connect-src": ["'none'"]}
    response._csp_replace = policy  # type: ignore[attr-defined]  # what django-csp's own decorators set
    response.xframe_options_exempt = bool(origins)
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response
