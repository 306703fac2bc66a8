"""Making a connection: choose its kind, say what it is, and see at once whether it answers."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import NotVisible, has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from actions.connection_form import KINDS as FORMS
from actions.connection_form import ConnectionForm, Kind
from actions.connections import BadConnection, connect, may_connect
from actions.execution import BadCommands, allowed_commands
from actions.importing import KINDS
from actions.models import Connection
from approvals.stepup.here import here
from approvals.stepup.services import fresh_step_up


def _may(request: AuthenticatedRequest) -> None:
    """Raises Forbidden or NotVisible, naming the right that owners have."""
    if not may_connect(request.user, request.workspace):
        require(request.user, Permission.AGENT_MANAGE, request.workspace)


@sign_in_required
@require_GET
def choose(request: AuthenticatedRequest) -> HttpResponse:
    """The kinds there are."""
    _may(request)
    return render(request, "actions/connection_kinds.html", {"kinds": FORMS.values()})


@sensitive_post_parameters("client_secret")
@sign_in_required
@require_http_methods(["GET", "POST"])
def new(request: AuthenticatedRequest, kind: str) -> HttpResponse:
    """Make one. Who does it has just proved who they are; the form is not kept, because a secret is in it."""
    _may(request)
    found = FORMS.get(kind)
    if found is None:
        raise NotVisible("connection")
    commands, wrong = _commands(request, found)
    form = ConnectionForm(request.POST if request.method == "POST" else None, kind=found, commands=commands)
    if request.method == "POST" and form.is_valid():
        answer = _made(request, form)
        if answer is not None:
            return answer
    context = {
        "form": form, "kind": found, "none_allowed": found.slug == "program" and not commands, "wrong": wrong,
        "prove": "" if fresh_step_up(here(request)) else _proving(found),
    }  # fmt: skip
    return render(request, "actions/connection_new.html", context, status=422 if form.is_bound else 200)


def _proving(kind: Kind) -> str:
    """Where people prove who they are and come back from."""
    return f"{reverse('approvals:step_up')}?{urlencode({'next': reverse('actions:connect', args=[kind.slug])})}"


def _commands(request: AuthenticatedRequest, kind: Kind) -> tuple[dict[str, Any], str]:
    """The programs allowed here, and what is wrong with the list of them."""
    if kind.slug != "program":
        return {}, ""
    try:
        return dict(allowed_commands(request.workspace.slug)), ""
    except BadCommands as error:
        return {}, str(error)


def _made(request: AuthenticatedRequest, form: ConnectionForm) -> HttpResponse | None:
    """None where it could not be made, which the form then says."""
    if fresh_step_up(here(request)) is None:
        messages.error(request, "Prove who you are, then give it again. Nothing was made, and the secret was not kept.")
        return redirect(_proving(form.kind))
    said = form.cleaned_data
    try:
        made, health = connect(
            actor=request.actor, user=request.user, workspace=request.workspace, kind=form.kind.kind, slug=said["slug"],
            options=form.options(), said=said,
        )  # fmt: skip
    except BadConnection as error:
        form.add_error(_field_of(form, str(error)), str(error))
        return None
    if health is None:
        messages.success(request, f"{made.name} is made. Whether it answers shows with its first tool.")
    else:
        (messages.success if health.ok else messages.warning)(request, f"{made.name} is made. {health.sentence}")
    return redirect(_next(request, made), made.slug)


def _field_of(form: ConnectionForm, sentence: str) -> str | None:
    """The field that a sentence is about, where it says so."""
    named = {"There is a connection": "slug", "auth.header": "header", "options.command": "command"}
    return next((field for start, field in named.items() if sentence.startswith(start) and field in form.fields), None)


def _next(request: AuthenticatedRequest, made: Connection) -> str:
    """Where its tools are brought in, for who may; else its page."""
    imports = made.kind in KINDS and has_permission(request.user, Permission.POLICY_PUBLISH, request.workspace)
    return "actions:offers" if imports else "actions:connection"
