"""The impact panel: asking for a replay, following it, and the past actions behind its numbers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import NotVisible
from accounts.http import AuthenticatedRequest, sign_in_required
from policies.access import get_policy_for, open_draft_of
from policies.models import Policy, Replay
from policies.pages.frame import frame_of
from policies.pages.impact import actions_of, groups_of, impact_of
from policies.pages.place import place_of
from policies.replay import cancel_replay, get_replay_for, start_replay
from policies.replay.loads import earlier_text, loads_of
from policies.replay.unknown import unknown_text, unknowns_of
from policies.views.saving import policy_to_edit

STOP_POLLING = 286


@sign_in_required
@require_GET
def impact(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The panel alone, for a page that follows a replay; finished, it says so and is not asked again."""
    place = place_of(request.user, request.workspace, slug)
    shown = impact_of(place)
    if shown is None or not request.htmx:
        return redirect("policies:tiers", slug)
    context = {"place": place, "frame": frame_of(place, ""), "impact": shown}
    return render(request, "policies/_impact.html", context, status=200 if shown.live else STOP_POLLING)


@sign_in_required
@require_POST
def start(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Replay the draft over the last 30 days."""
    policy = policy_to_edit(request, slug)
    draft = open_draft_of(policy)
    if draft is None:
        messages.error(request, "There is no draft to replay.")
    else:
        start_replay(actor=request.actor, user=request.user, policy=policy, source=draft.source)
    return redirect(reverse("policies:tiers", args=[slug]) + "#impact")


@sign_in_required
@require_POST
def cancel(request: AuthenticatedRequest, slug: str, replay_id: str) -> HttpResponse:
    """Stop a replay."""
    policy = policy_to_edit(request, slug)
    cancel_replay(actor=request.actor, user=request.user, replay_id=_replay(request, policy, replay_id).pk)
    return redirect(reverse("policies:tiers", args=[slug]) + "#impact")


def _replay(request: AuthenticatedRequest, policy: Policy, replay_id: str) -> Replay:
    """A replay of this policy and no other. Raises NotVisible."""
    found = get_replay_for(request.user, request.workspace, replay_id)
    if found.policy_id != policy.pk:
        raise NotVisible("replay")
    return found


@sign_in_required
@require_GET
def actions(request: AuthenticatedRequest, slug: str, replay_id: str) -> HttpResponse:
    """The past actions of one group of a replay, each with its trace; without a group, all groups."""
    policy = get_policy_for(request.user, request.workspace, slug)
    replay = _replay(request, policy, replay_id)
    chosen = request.GET.get("group", "")
    found = (
        actions_of(policy, replay, int(chosen)) if chosen.isascii() and chosen.isdigit() and len(chosen) < 6 else None
    )
    if chosen and found is None:
        raise NotVisible("group of actions")
    group, records = found or (None, [])
    context = {"policy": policy, "replay": replay, "group": group, "records": records, "groups": groups_of(replay),
               "loads": loads_of(replay.result), "earlier": earlier_text(replay.result),
               "unknowns": unknowns_of(replay.result), "unknown": unknown_text(replay.result)}  # fmt: skip
    return render(request, "policies/impact_actions.html", context)
