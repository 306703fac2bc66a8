"""The tabs of a policy, and opening and discarding its draft."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from policies.access import open_draft_of
from policies.drafts import discard_draft, open_draft
from policies.pages.place import place_of
from policies.refusals import PolicyRefused
from policies.views.rendering import draw_tiers
from policies.views.saving import policy_to_edit


@sign_in_required
@require_GET
def tiers(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """What each role may do with each tool; the first tab, also at the policy's own address."""
    return draw_tiers(request, place_of(request.user, request.workspace, slug))


@sign_in_required
@require_POST
def open_(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Open a draft from the live version, or go to the one that is open."""
    policy = policy_to_edit(request, slug)
    open_draft(actor=request.actor, user=request.user, policy=policy)
    return redirect("policies:tiers", slug)


@sign_in_required
@require_POST
def discard(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Discard the draft that was shown; one that changed meanwhile stays."""
    draft = open_draft_of(policy_to_edit(request, slug))
    revision = request.POST.get("revision", "")
    if draft is None or not (revision.isascii() and revision.isdigit() and len(revision) < 10):
        messages.error(request, "There is no draft to discard.")
        return redirect("policies:tiers", slug)
    try:
        discard_draft(actor=request.actor, user=request.user, draft_id=draft.pk, revision=int(revision))
        messages.success(request, "Draft discarded. What is live did not change.")
    except PolicyRefused as error:
        messages.error(request, error.sentence)
    return redirect("policies:tiers", slug)
