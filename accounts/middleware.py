"""Gives each request its workspace and id, ends sessions of inactive people, and answers access failures."""

import logging
import secrets
from collections.abc import Callable
from contextlib import nullcontext

from django.contrib.auth import SESSION_KEY as SIGNED_IN_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import Forbidden, NotVisible, grants_read_once
from accounts.actors import actor_for_user
from accounts.http import SESSION_KEY, chosen_workspace
from accounts.models import User, Workspace
from accounts.origin import Origin, coming_from

logger = logging.getLogger("remit.requests")


class WorkspaceMiddleware:
    """Sets request.workspace, request.actor, request.request_id and request.show_workspace."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = secrets.token_hex(8)  # type: ignore[attr-defined]
        _show(request, None)
        reads = grants_read_once() if request.method in {"GET", "HEAD"} else nullcontext()
        with reads, coming_from(Origin(request.request_id, str(request.META.get("REMOTE_ADDR", "")))):  # type: ignore[attr-defined]
            self._enter(request)
            response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.setdefault("Cache-Control", "no-store")
        return response

    def _enter(self, request: HttpRequest) -> None:
        """Only cookie sessions have a workspace; what agents speak to, and what a link opens, never read them. The page at which
        a person allows an agent to act for them is the person's, of no workspace they happen to look at."""
        if request.path.startswith(("/api/", "/mcp", "/oauth/", "/show/")):
            return
        if not isinstance(request.user, User):
            _end_dead_session(request)
            return
        _show(request, chosen_workspace(request, request.user))
        request.show_workspace = lambda workspace: show_workspace(request, workspace)  # type: ignore[attr-defined]

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """403 says who can give access; everything else that may not be seen is a 404."""
        if isinstance(error, NotVisible):
            return render(request, "404.html", status=404)
        if isinstance(error, Forbidden):
            return render(
                request, "403.html", {"permission": error.permission, "denied_in": error.workspace}, status=403
            )
        return None


def show_workspace(request: HttpRequest, workspace: Workspace) -> None:
    """Show the page's own workspace around it, and stay there: a pasted link leads to the same place for everyone."""
    _show(request, workspace)
    if request.session.get(SESSION_KEY) != workspace.pk:
        request.session[SESSION_KEY] = workspace.pk


def _show(request: HttpRequest, workspace: Workspace | None) -> None:
    """The workspace and the person acting in it change together."""
    actor = None
    if workspace is not None and isinstance(request.user, User):
        actor = actor_for_user(request.user, workspace)
    request.workspace = workspace  # type: ignore[attr-defined]
    request.actor = actor  # type: ignore[attr-defined]


def _end_dead_session(request: HttpRequest) -> None:
    """A session that names a person who may no longer use it is deleted, not only ignored: it cannot revive (V7.4.2)."""
    if SIGNED_IN_KEY in request.session:
        request.session.flush()
