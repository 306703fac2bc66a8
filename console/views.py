"""Home, search, health and the error pages."""

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import has_permission
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.ids import is_id
from accounts.models import Agent
from accounts.permissions import Permission
from approvals.access import decidable_by
from approvals.queue import row_of
from traces.access import traces_visible_to

NEEDS = 5
LATEST = 6


@sign_in_required
@require_GET
def home(request: AuthenticatedRequest) -> HttpResponse:
    """What needs this person now, the latest traces, the agents."""
    waiting = decidable_by(request.user, request.workspace)
    agents = Agent.objects.filter(workspace=request.workspace).select_related("owner")
    context = {
        "needs": [row_of(found) for found in waiting[:NEEDS]],
        "needs_count": len(waiting),
        "title": title_of(len(waiting)),
        "latest": traces_visible_to(request.user, request.workspace).order_by("-created_at")[:LATEST],
        "agents": agents if has_permission(request.user, Permission.AGENT_VIEW, request.workspace) else None,
    }
    return render(request, "console/home.html", context)


def title_of(count: int) -> str:
    """The sentence the page opens with."""
    if count == 0:
        return "Nothing needs you"
    return "1 thing needs you" if count == 1 else f"{count} things need you"


@sign_in_required
@require_GET
def search(request: AuthenticatedRequest) -> HttpResponse:
    """A pasted trace or approval id opens it; other words look through the titles of traces."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()
    if is_id("trc", wanted):
        return redirect(reverse("traces:detail", args=[wanted]))
    if is_id("apr", wanted):
        return redirect(reverse("approvals:review", args=[wanted]))
    visible = traces_visible_to(request.user, request.workspace)
    found = visible.filter(title__icontains=wanted) if wanted else visible.none()
    return render(request, "console/search.html", {"wanted": wanted, "found": found[:50]})


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """The database and the broker answer; 503 names the one that does not."""
    checks = {"database": _database_answers(), "broker": _broker_answers()}
    ready = all(checks.values())
    return JsonResponse({"status": "ok" if ready else "not ready", **checks}, status=200 if ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Absent and forbidden look alike."""
    return render(request, "404.html", status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """Our own error, with an id to give to whoever runs Remit."""
    return render(request, "500.html", {"request_id": getattr(request, "request_id", "")}, status=500)
