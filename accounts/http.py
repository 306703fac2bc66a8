"""What every signed-in view receives: a person, a workspace, an actor and whether htmx asked."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.access import NotVisible, workspaces_of
from accounts.actors import Actor
from accounts.kept import KEY, forget, keep_form
from accounts.models import User, Workspace

SESSION_KEY = "workspace"


class AuthenticatedRequest(HttpRequest):
    """A request after `sign_in_required`. Used for typing; `WorkspaceMiddleware` fills it."""

    user: User
    htmx: HtmxDetails
    workspace: Workspace
    actor: Actor
    request_id: str
    show_workspace: Callable[[Workspace], None]


View = Callable[..., HttpResponse]


def sign_in_required(view: View) -> View:
    """Only for signed-in members of a workspace; a person without one gets 404, like any absent page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request, "workspace", None) is None:
            raise NotVisible("workspace")
        return view(cast(AuthenticatedRequest, request), *args, **kwargs)

    asked = login_required(guarded)

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return asked(request, *args, **kwargs)
        if not request.user.is_authenticated:
            return keep_form(request)
        if request.session.get(KEY, {}).get("path") == request.get_full_path():
            forget(request)
        return asked(request, *args, **kwargs)

    return cast(View, kept)


def as_download(answer: HttpResponse, name: str) -> HttpResponse:
    """The answer as a file that a browser saves under this name."""
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def chosen_workspace(request: HttpRequest, user: User) -> Workspace | None:
    """The workspace in the session if the person still belongs to it, else their first."""
    visible, chosen = workspaces_of(user), request.session.get(SESSION_KEY)
    return next((one for one in visible if one.pk == chosen), next(iter(visible), None))
