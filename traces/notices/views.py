"""Channels of a workspace: list, make, change, test, pause, rotate, remove. One URL for each intent; nothing decides."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import NotVisible, has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from traces.notices.access import channels_visible_to, get_channel_for
from traces.notices.forms import ChannelForm
from traces.notices.listing import channel_rows
from traces.notices.models import Channel, Delivery
from traces.notices.reach import opened
from traces.notices.send import send
from traces.notices.services import NoticeRefused, make_test, rotate_secret, save_channel, set_state

Kind, State = Channel.Kind, Channel.State


@sign_in_required
@require_GET
def channel_list(request: AuthenticatedRequest) -> HttpResponse:
    """Channels, and how the last message of each fared."""
    require(request.user, Permission.NOTICE_VIEW, request.workspace)
    context = {
        "rows": channel_rows(channels_visible_to(request.user, request.workspace)),
        "kinds": Kind.choices,
        "can_manage": has_permission(request.user, Permission.NOTICE_MANAGE, request.workspace),
    }
    return render(request, "notices/channel_list.html", context)


@sensitive_post_parameters("secret_url", "secret_key")
@sign_in_required
@require_http_methods(["GET", "POST"])
def new(request: AuthenticatedRequest, kind: str) -> HttpResponse:
    """Make a channel. A webhook's signing secret is shown once, in the answer."""
    require(request.user, Permission.NOTICE_MANAGE, request.workspace)
    if kind not in Kind.values:
        raise NotVisible("channel")
    form = ChannelForm(
        request.POST if request.method == "POST" else None, kind=kind, stored=False, initial={"urgent_through": True}
    )
    if request.method == "POST" and form.is_valid():
        answer = _saved(request, form, None)
        if answer is not None:
            return answer
    context = {"form": form, "kind": Kind(kind), "channel": None, "can_manage": True}
    return render(request, "notices/channel_form.html", context, status=422 if form.is_bound else 200)


@sensitive_post_parameters("secret_url", "secret_key")
@sign_in_required
@require_http_methods(["GET", "POST"])
def detail(request: AuthenticatedRequest, channel_id: str) -> HttpResponse:
    """One channel: change it, test it, pause it."""
    channel = get_channel_for(request.user, channel_id)
    request.show_workspace(channel.workspace)
    if request.method == "POST":
        require(request.user, Permission.NOTICE_MANAGE, channel.workspace)
    form = ChannelForm(
        request.POST if request.method == "POST" else None, kind=channel.kind, stored=True, initial=_initial(channel)
    )
    if request.method == "POST" and form.is_valid():
        answer = _saved(request, form, channel)
        if answer is not None:
            return answer
    context = {
        "form": form, "kind": Kind(channel.kind), "channel": channel,
        "can_manage": has_permission(request.user, Permission.NOTICE_MANAGE, channel.workspace),
    }  # fmt: skip
    return render(request, "notices/channel_form.html", context, status=422 if form.is_bound else 200)


def _initial(channel: Channel) -> dict[str, object]:
    to = "\n".join(opened(channel).get("to", ())) if channel.kind == Kind.EMAIL else ""
    return {"name": channel.name, "events": channel.events, "to": to, **ChannelForm.hours_of(channel)}


def _saved(request: AuthenticatedRequest, form: ChannelForm, channel: Channel | None) -> HttpResponse | None:
    """Where to go next; None when the form has errors now."""
    try:
        made, secret = save_channel(
            actor=request.actor, user=request.user, workspace=channel.workspace if channel else request.workspace,
            wanted=form.wanted(), channel_id=channel.pk if channel else "",
        )  # fmt: skip
    except NoticeRefused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return None
    if secret:
        return _secret_page(request, made, secret)
    messages.success(request, f"{made.name} is saved.")
    return redirect("notices:detail", made.pk)


def _secret_page(request: AuthenticatedRequest, channel: Channel, secret: str) -> HttpResponse:
    """Never cached and never stored: a reload sends the form again instead of showing it twice."""
    return render(request, "notices/secret.html", {"channel": channel, "secret": secret})


@sign_in_required
@require_POST
def test(request: AuthenticatedRequest, channel_id: str) -> HttpResponse:
    """Send one test message now, by the way of every message."""
    try:
        made = make_test(actor=request.actor, user=request.user, channel_id=channel_id)
    except NoticeRefused as error:
        messages.error(request, str(error))
        return redirect("notices:detail", channel_id)
    sent = send(made.pk)
    if sent.state == Delivery.State.SENT:
        messages.success(request, f"The test was taken by {sent.channel.shown or sent.channel.name}.")
    else:
        messages.error(request, f"The test was not delivered. {sent.last_error}")
    return redirect("notices:detail", channel_id)


@sign_in_required
@require_POST
def pause(request: AuthenticatedRequest, channel_id: str) -> HttpResponse:
    """Tell this channel nothing until it is resumed."""
    channel = set_state(actor=request.actor, user=request.user, channel_id=channel_id, state=State.PAUSED)
    messages.success(request, f"{channel.name} is paused. What happens meanwhile is not kept for it.")
    return redirect("notices:detail", channel_id)


@sign_in_required
@require_POST
def resume(request: AuthenticatedRequest, channel_id: str) -> HttpResponse:
    """Tell this channel again, from now on."""
    channel = set_state(actor=request.actor, user=request.user, channel_id=channel_id, state=State.ACTIVE)
    messages.success(request, f"{channel.name} is told again from now on.")
    return redirect("notices:detail", channel_id)


@sign_in_required
@require_POST
def rotate(request: AuthenticatedRequest, channel_id: str) -> HttpResponse:
    """A new signing secret, shown once; the old one stays valid for 24 hours."""
    try:
        channel, secret = rotate_secret(actor=request.actor, user=request.user, channel_id=channel_id)
    except NoticeRefused as error:
        messages.error(request, str(error))
        return redirect("notices:detail", channel_id)
    return _secret_page(request, channel, secret)


@sign_in_required
@require_POST
def remove(request: AuthenticatedRequest, channel_id: str) -> HttpResponse:
    """Remove a channel and destroy its secrets; its log stays."""
    channel = set_state(actor=request.actor, user=request.user, channel_id=channel_id, state=State.REMOVED)
    messages.success(request, f"{channel.name} is removed and its secrets are destroyed.")
    return redirect(reverse("notices:list"))
