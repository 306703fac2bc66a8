"""Approval steps: the routes of a policy."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import NotVisible
from accounts.http import AuthenticatedRequest, sign_in_required
from policies import edits
from policies.edits import EditRefused, Plain
from policies.forms.routes import RouteForm
from policies.forms.seen import SeenForm
from policies.pages.place import place_of
from policies.pages.rules import route_lines, told_route
from policies.views.rendering import draw
from policies.views.rules import known_of
from policies.views.saving import Sent, policy_to_edit, refusal, send


@sign_in_required
@require_GET
def steps(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Who decides, in which order."""
    place = place_of(request.user, request.workspace, slug)
    lost = (
        []
        if place.draft is None
        else [name for name in place.base.get("routes") or {} if name not in (place.plain.get("routes") or {})]
    )
    return draw(request, place, "steps", {"lines": route_lines(place, dict(known_of(place).groups)), "gone": lost})


@sign_in_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedRequest, slug: str, name: str = "") -> HttpResponse:
    """Add steps, or change those of this name."""
    policy = policy_to_edit(request, slug)
    place = place_of(request.user, request.workspace, slug)
    standing = edits.value_at(place.plain, ("routes", name)) if name else None
    if name and standing is None and request.method == "GET":
        raise NotVisible("route")
    initial = {"revision": place.revision, "was": edits.fingerprint(standing), **({"name": name} if name else {})}
    form = RouteForm(
        request.POST if request.method == "POST" else None, known=known_of(place), rule=standing, initial=initial
    )
    sent = Sent(False, 200)
    if request.method == "POST":
        sent = send(
            request, policy, form, seen=(lambda plain: edits.value_at(plain, ("routes", name))) if name else None,
            change=lambda plain, data: _put(plain, name, data["name"], form),
        )  # fmt: skip
    if sent.saved:
        return redirect("policies:steps", slug)
    theirs = (
        told_route(sent.conflict.theirs, dict(known_of(place).groups)) if sent.conflict and sent.conflict.theirs else []
    )
    context = {"form": form, "name": name, "conflict": sent.conflict, "theirs": theirs}
    return draw(request, place, "steps", context, template="route_form", status=sent.status)


def _put(plain: Plain, old: str, new: str, form: RouteForm) -> Plain:
    """A route keeps its name while it is used; another name is another route."""
    if old != new and edits.value_at(plain, ("routes", new)) is not None:
        raise EditRefused("name", f"There are steps {new} already.", "Choose another name.")
    if old and old != new:
        plain = edits.rename_route(plain, name=old, to=new)
    return edits.put_route(plain, name=new, route=form.rule())


@sign_in_required
@require_POST
def remove(request: AuthenticatedRequest, slug: str, name: str) -> HttpResponse:
    """Take steps out of the draft that nothing names."""
    policy, form = policy_to_edit(request, slug), SeenForm(request.POST)
    sent = send(
        request, policy, form, seen=lambda plain: edits.value_at(plain, ("routes", name)),
        change=lambda plain, data: edits.remove_route(plain, name=name),
    )  # fmt: skip
    if not sent.saved:
        messages.error(request, refusal(sent, form))
    return redirect("policies:steps", slug)
