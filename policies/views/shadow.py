"""A version that runs beside the live one and decides nothing: starting, stopping, and what it would have said."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, sign_in_required
from policies.access import open_draft_of
from policies.engine.problems import PolicyError
from policies.forms.publish import ShadowForm
from policies.pages.frame import frame_of
from policies.pages.place import place_of
from policies.pages.shadows import shadow_page
from policies.refusals import PolicyRefused
from policies.shadow import start_shadow, stop_shadow
from policies.views.saving import policy_to_edit

SPAN = timedelta(days=30)


@sign_in_required
@require_GET
def shadow(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """What the shadow would have decided differently in the last 30 days."""
    return _draw(request, slug, ShadowForm(initial={"name": "Draft"}))


def _draw(request: AuthenticatedRequest, slug: str, form: ShadowForm, *, status: int = 200) -> HttpResponse:
    place = place_of(request.user, request.workspace, slug)
    page = shadow_page(place, since=database_now() - SPAN)
    context = {"place": place, "frame": frame_of(place, ""), "page": page, "form": form}
    return render(request, "policies/shadow.html", context, status=status)


@sign_in_required
@require_POST
def start(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Run the draft in the shadow."""
    policy, form = policy_to_edit(request, slug), ShadowForm(request.POST)
    draft = open_draft_of(policy)
    if draft is None:
        form.add_error(None, "There is no draft to run in the shadow. Open one and edit it first.")
    if draft is not None and form.is_valid():
        try:
            start_shadow(
                actor=request.actor,
                user=request.user,
                policy=policy,
                source=draft.source,
                name=form.cleaned_data["name"],
            )
            messages.success(request, "The draft runs in the shadow. It decides nothing.")
            return redirect("policies:shadow", slug)
        except PolicyRefused as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
        except PolicyError as error:
            form.add_error(None, str(error))
    return _draw(request, slug, form, status=422)


@sign_in_required
@require_POST
def stop(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """End the shadow; what it said stays."""
    policy = policy_to_edit(request, slug)
    try:
        stop_shadow(actor=request.actor, user=request.user, policy=policy)
        messages.success(request, "Nothing runs in the shadow any more. What it said stays here.")
    except PolicyRefused as error:
        messages.error(request, error.sentence)
    return redirect("policies:shadow", slug)
