"""Suggestions with their evidence. None is applied by itself: each opens a draft that people publish like any other."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from policies.documents import parsed
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


def _found(place: Place) -> list[tuple[str, Suggestion]]:
    """What the live version's last 30 days say, each with a name for its form."""
    if place.live is None:
        return []
    live = parsed(place.live.digest, place.live.source)
    facts = {name: entry.facts for name, entry in place.tools.items()}
    made = suggestions(place.policy.workspace_id, place.policy.slug, live, facts, place.at)
    return [(fingerprint(dict(suggestion.edit)), suggestion) for suggestion in made]


@sign_in_required
@require_GET
def suggestions_page(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Tighten and loosen, each with what it rests on."""
    place = place_of(request.user, request.workspace, slug)
    context = {"place": place, "frame": frame_of(place, ""), "found": _found(place)}
    return render(request, "policies/suggestions.html", context)


@sign_in_required
@require_POST
def open_suggestion(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Open a draft with one suggestion in it."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    chosen = next((found for name, found in _found(place) if name == request.POST.get("suggestion")), None)
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
