"""Connections: whether each works, which tools use it, and replacing its secret, which no page ever shows."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Max, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts.access import has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import Workspace
from accounts.permissions import Permission
from actions.connections import BadConnection, check_now, get_connection_for, may_connect, rotate_secret
from actions.importing import KINDS
from actions.models import Action, Connection, KillSwitch
from actions.states import SUCCESS, State
from actions.switches import open_switches
from approvals.stepup.here import here
from approvals.stepup.services import fresh_step_up


class SecretForm(forms.Form):
    """What the connection signs in with from now on."""

    client_id = forms.CharField(max_length=120, required=False, label="Client id")
    client_secret = forms.CharField(
        max_length=4000, strip=False, label="New secret",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Tried with the system before it is kept. It is sealed, and never shown.",
    )  # fmt: skip


@sign_in_required
@require_GET
def connection_list(request: AuthenticatedRequest) -> HttpResponse:
    """Every connection of the workspace."""
    require(request.user, Permission.AGENT_VIEW, request.workspace)
    found = Connection.objects.filter(workspace=request.workspace).order_by("name").prefetch_related("tools")
    paused = _paused(request.workspace)
    rows = [{"connection": one, "tools": len(one.tools.all()), "paused": one.pk in paused} for one in found]
    context = {"rows": rows, "may_connect": may_connect(request.user, request.workspace)}
    return render(request, "actions/connection_list.html", context)


def _paused(workspace: Workspace) -> set[str]:
    scope = KillSwitch.Scope.CONNECTION
    return set(open_switches().filter(workspace=workspace, scope=scope).values_list("target", flat=True))


@sign_in_required
@require_GET
def connection_detail(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """One connection."""
    found = get_connection_for(request.user, request.workspace, slug)
    return _page(request, found, SecretForm(initial={"client_id": found.client_id}))


def _page(request: AuthenticatedRequest, found: Connection, form: SecretForm, *, status: int = 200) -> HttpResponse:
    last: dict[str, Any] = Action.objects.filter(tool__connection=found).aggregate(
        ok=Max("finished_at", filter=Q(state__in=SUCCESS)), failed=Max("finished_at", filter=Q(state=State.FAILED))
    )
    context = {
        "connection": found,
        "tools": found.tools.all(),
        "paused": found.pk in _paused(request.workspace),
        "last": last,
        "form": form,
        "may_import": found.kind in KINDS
        and has_permission(request.user, Permission.POLICY_PUBLISH, request.workspace),
        "may_manage": has_permission(request.user, Permission.AGENT_MANAGE, request.workspace),
        "may_pause": has_permission(request.user, Permission.AGENT_PAUSE, request.workspace),
    }
    return render(request, "actions/connection_detail.html", context, status=status)


@sign_in_required
@require_POST
def check(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Look now whether it works."""
    found = check_now(actor=request.actor, user=request.user, workspace=request.workspace, slug=slug)
    (messages.success if found.ok else messages.error)(request, found.sentence)
    return redirect("actions:connection", slug)


@sensitive_post_parameters("client_secret")
@sign_in_required
@require_POST
def rotate(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Replace the secret. Who does it has just proved who they are; the form is not kept, because a secret is in it."""
    found = get_connection_for(request.user, request.workspace, slug)
    require(request.user, Permission.AGENT_MANAGE, request.workspace)
    form = SecretForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    if fresh_step_up(here(request)) is None:
        messages.error(request, "Prove who you are, then give the secret again. It was not kept.")
        back = urlencode({"next": reverse("actions:connection", args=[slug])})
        return redirect(f"{reverse('approvals:step_up')}?{back}")
    try:
        rotate_secret(
            actor=request.actor, user=request.user, workspace=request.workspace, slug=slug, **form.cleaned_data
        )
    except BadConnection as error:
        form.add_error("client_secret", str(error))
        return _page(request, Connection.objects.get(pk=found.pk), form, status=422)
    messages.success(request, "The new secret is in use from the next call on. Withdraw the earlier one at the system.")
    return redirect("actions:connection", slug)
