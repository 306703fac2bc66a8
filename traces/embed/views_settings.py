"""Where a workspace lists who may frame its traces, and sees and revokes the links that are alive."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import NotVisible, has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.ids import is_id
from accounts.permissions import Permission
from traces.embed.access import living_links
from traces.embed.models import FrameOrigin
from traces.embed.services import LinkRefused, allow_origin, remove_origin, revoke_link

SHOWN = 50


class OriginForm(forms.Form):
    """An origin for the list."""

    address = forms.CharField(max_length=270, label="Origin")


@sign_in_required
@require_http_methods(["GET", "POST"])
def settings_page(request: AuthenticatedRequest) -> HttpResponse:
    """Origins and living links; owners add an origin here."""
    manage = request.method == "POST"
    require(request.user, Permission.AGENT_MANAGE if manage else Permission.AGENT_VIEW, request.workspace)
    form = OriginForm(request.POST if manage else None)
    if manage and form.is_valid() and _allowed(request, form):
        return redirect("embed:settings")
    context = {
        "form": form,
        "origins": FrameOrigin.objects.filter(workspace=request.workspace),
        "links": living_links(request.workspace)[:SHOWN],
        "base_url": settings.REMIT_BASE_URL,
        "can_manage": has_permission(request.user, Permission.AGENT_MANAGE, request.workspace),
    }
    return render(request, "traces/embedding_list.html", context, status=422 if form.is_bound else 200)


def _allowed(request: AuthenticatedRequest, form: OriginForm) -> bool:
    try:
        made = allow_origin(
            actor=request.actor, user=request.user, workspace=request.workspace, origin=form.cleaned_data["address"]
        )
    except LinkRefused as error:
        form.add_error("address", str(error))
        return False
    messages.success(request, f"Pages of {made.origin} may frame what links open.")
    return True


@sign_in_required
@require_POST
def remove(request: AuthenticatedRequest, origin_id: str) -> HttpResponse:
    """Take an origin off the list."""
    name = remove_origin(actor=request.actor, user=request.user, workspace=request.workspace, origin_id=origin_id)
    messages.success(request, f"Pages of {name} no longer frame what links open.")
    return redirect("embed:settings")


@sign_in_required
@require_POST
def revoke(request: AuthenticatedRequest, link_id: str) -> HttpResponse:
    """End a link before its time."""
    require(request.user, Permission.AGENT_MANAGE, request.workspace)
    link = living_links(request.workspace).filter(pk=link_id).first() if is_id("lnk", link_id) else None
    if link is None:
        raise NotVisible("link")
    revoke_link(actor=request.actor, link=link)
    messages.success(request, f"The link of {link.person.name} opens nothing any more.")
    return redirect("embed:settings")
