"""History: every version, any two compared, one as it is, and going back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from policies.engine.problems import PolicyError
from policies.pages.frame import frame_of, verdict_of
from policies.pages.place import place_of
from policies.pages.versions import DRAFT, comparison_of, side_of, version_lines
from policies.publishing import revert_to
from policies.refusals import PolicyRefused
from policies.views.rendering import draw
from policies.views.saving import policy_to_edit


@sign_in_required
@require_GET
def versions(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Who published what, when and why; `?a=&b=` of the form leads to the comparison."""
    place = place_of(request.user, request.workspace, slug)
    old, new = request.GET.get("a", ""), request.GET.get("b", "")
    if old and new:
        return redirect("policies:compare", slug, f"{old[:9]}..{new[:9]}")
    lines = version_lines(place)
    names = [str(line.version.number) for line in lines]
    return draw(request, place, "versions", {"lines": lines, "names": ([DRAFT] if place.draft else []) + names})


@sign_in_required
@require_GET
def compare(request: AuthenticatedRequest, slug: str, span: str) -> HttpResponse:
    """Two versions, or one and the draft, change by change; a single number shows that version as it is."""
    place = place_of(request.user, request.workspace, slug)
    context = {"place": place, "frame": frame_of(place, "versions"), "name": span if span == DRAFT else f"v{span}"}
    try:
        if ".." not in span:
            return render(request, "policies/version.html", context | {"side": side_of(place, span)})
        found = comparison_of(place, span)
    except PolicyError as error:
        return render(request, "policies/version.html", context | {"problems": error.problems})
    return render(request, "policies/compare.html", context | {"found": found, "verdict": verdict_of(found.diff)})


@sign_in_required
@require_POST
def revert(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """Open a draft with an earlier version's content; history is never rewritten."""
    policy = policy_to_edit(request, slug)
    try:
        revert_to(actor=request.actor, user=request.user, policy=policy, number=number)
    except PolicyRefused as error:
        messages.error(request, error.sentence)
        return redirect("policies:versions", slug)
    except PolicyError as error:
        messages.error(request, f"v{number} does not load any more: {error}")
        return redirect("policies:versions", slug)
    messages.success(request, f"A draft with the content of v{number} is open. Publishing it makes a new version.")
    return redirect("policies:publish", slug)
