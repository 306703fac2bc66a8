"""Suggestions with their evidence. None is applied by itself: each opens a draft that people publish like any other."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from policies.documents import still_read
from policies.drafts import open_draft
from policies.edits import fingerprint
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.models import Policy
from policies.pages.frame import frame_of
from policies.pages.place import Place, place_of
from policies.refusals import PolicyRefused
from policies.suggestions import Suggestion, suggestions
from policies.views.saving import policy_to_edit

# Of a busy policy there can be hundreds; a page shows as many as a person reads.
PAGE = 50


def _found(place: Place) -> list[Suggestion]:
    """What the live version's last 30 days say."""
    live = still_read(place.live) if place.live else None
    if live is None:
        return []
    facts = {name: entry.facts for name, entry in place.tools.items()}
    return suggestions(place.policy.workspace_id, place.policy.slug, live, facts, place.at)


def _name(suggestion: Suggestion) -> str:
    """What its form calls it."""
    return fingerprint(dict(suggestion.edit))


@sign_in_required
@require_GET
def suggestions_page(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Tighten and loosen, each with what it rests on, tightening first."""
    place = place_of(request.user, request.workspace, slug)
    page = Paginator(_found(place), PAGE).get_page(request.GET.get("page"))
    found = [(_name(suggestion), suggestion) for suggestion in page]
    context = {"place": place, "frame": frame_of(place, ""), "page": page, "found": found}
    return render(request, "policies/suggestions.html", context)


@sign_in_required
@require_POST
def open_suggestion(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Open a draft with one suggestion in it."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    chosen = next((found for found in _found(place) if _name(found) == request.POST.get("suggestion")), None)
    if chosen is None:
        messages.error(request, "This suggestion does not hold any more. Nothing was opened.")
        return redirect("policies:suggestions", slug)
    return _open(request, policy, chosen)


def _open(request: AuthenticatedRequest, policy: Policy, chosen: Suggestion) -> HttpResponse:
    evidence = {"kind": chosen.kind, "sentence": chosen.sentence, "evidence": list(chosen.evidence)}
    try:
        open_draft(
            actor=request.actor, user=request.user, policy=policy, source=dump(chosen.plain_after), evidence=evidence
        )
    except PolicyRefused as error:
        messages.error(request, error.sentence)
        return redirect("policies:suggestions", policy.slug)
    except PolicyError as error:
        messages.error(request, str(error))
        return redirect("policies:suggestions", policy.slug)
    messages.success(request, "A draft with this suggestion is open.")
    return redirect("policies:publish", policy.slug)
