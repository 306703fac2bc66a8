"""The delivery log, the egress list, and what a person is told of for themself."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from traces.notices.access import deliveries_visible_to, own_deliveries
from traces.notices.forms import HostForm, PersonalForm
from traces.notices.listing import log, told
from traces.notices.models import AllowedHost, Channel
from traces.notices.people import personal_channel
from traces.notices.services import NoticeRefused, Wanted, allow_host, remove_host, save_personal, send_again
from traces.notices.transports import HOSTS

OWN_SHOWN = 10


@sign_in_required
@require_GET
def delivery_log(request: AuthenticatedRequest) -> HttpResponse:
    """Every message of the workspace's channels, and why one did not arrive."""
    require(request.user, Permission.NOTICE_VIEW, request.workspace)
    context = {
        "log": log(deliveries_visible_to(request.user, request.workspace), request.GET),
        "can_manage": has_permission(request.user, Permission.NOTICE_MANAGE, request.workspace),
    }
    return render(request, "notices/delivery_list.html", context)


@sign_in_required
@require_POST
def again(request: AuthenticatedRequest, delivery_id: str) -> HttpResponse:
    """Queue a message that ended unsent once more."""
    try:
        send_again(actor=request.actor, user=request.user, delivery_id=delivery_id)
        messages.success(request, "It is queued again, under the same message id.")
    except NoticeRefused as error:
        messages.error(request, str(error))
    return redirect("notices:log")


@sign_in_required
@require_http_methods(["GET", "POST"])
def hosts(request: AuthenticatedRequest) -> HttpResponse:
    """Which hosts notices may reach, and adding one."""
    require(request.user, Permission.NOTICE_VIEW, request.workspace)
    form = HostForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        require(request.user, Permission.NOTICE_MANAGE, request.workspace)
        if form.is_valid() and _allowed(request, form):
            return redirect("notices:hosts")
    context = {
        "form": form,
        "hosts": AllowedHost.objects.filter(workspace=request.workspace),
        "built_in": [(Channel.Kind(kind).label, names) for kind, names in HOSTS.items() if names],
        "can_manage": has_permission(request.user, Permission.NOTICE_MANAGE, request.workspace),
        "allow_private": settings.REMIT_NOTICES_ALLOW_PRIVATE,
    }
    return render(request, "notices/host_list.html", context, status=422 if form.is_bound else 200)


def _allowed(request: AuthenticatedRequest, form: HostForm) -> bool:
    try:
        made = allow_host(
            actor=request.actor, user=request.user, workspace=request.workspace, host=form.cleaned_data["host"]
        )
    except NoticeRefused as error:
        form.add_error("host", str(error))
        return False
    messages.success(request, f"Notices may reach {made.host}.")
    return True


@sign_in_required
@require_POST
def remove_host_(request: AuthenticatedRequest, host: str) -> HttpResponse:
    """Take a host off the list."""
    remove_host(actor=request.actor, user=request.user, workspace=request.workspace, host=host)
    messages.success(request, f"Notices no longer reach {host}. What is queued for it fails.")
    return redirect("notices:hosts")


@sign_in_required
@require_http_methods(["GET", "POST"])
def mine(request: AuthenticatedRequest) -> HttpResponse:
    """What I am told of in this workspace, by mail, and when."""
    channel = personal_channel(request.user, request.workspace)
    initial = {"told": channel.is_active, "events": channel.events, **PersonalForm.hours_of(channel)}
    form = PersonalForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and _personal_saved(request, form):
        return redirect("notices:mine")
    own = own_deliveries(request.user, request.workspace).prefetch_related("notices")[:OWN_SHOWN]
    context = {"form": form, "rows": [told(one) for one in own], "mail": settings.REMIT_MAIL}
    return render(request, "notices/mine.html", context, status=422 if form.is_bound else 200)


def _personal_saved(request: AuthenticatedRequest, form: PersonalForm) -> bool:
    data = form.cleaned_data
    wanted = Wanted(
        kind=Channel.Kind.EMAIL, name=request.user.name, events=tuple(data["events"]), schedule=form.schedule
    )
    try:
        save_personal(
            actor=request.actor, user=request.user, workspace=request.workspace, wanted=wanted, told=data["told"]
        )
    except NoticeRefused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False
    messages.success(request, "Saved.")
    return True
