"""Home, search, health and the error pages."""

import hmac

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST

from accounts.access import NotVisible, agents_visible_to, has_permission
from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from accounts.single import mode_now
from actions.agent_page import agent_rows
from actions.doubts import finding_out, in_doubt
from approvals.access import open_requests_for
from console.durability import lost_commits
from console.gallery import samples
from console.home import BROKEN, needs
from console.metrics import text as metrics_text
from console.pasted import place_of
from console.trust.measures import families
from console.trust.outcomes import outcomes
from console.trust.spans import DEFAULT, Span
from console.trust.whose import Whose
from gateway import problems
from traces.access import own_alone, traces_visible_to
from traces.checkpoints.health import deployment_health, warning
from traces.filters import Filters
from traces.reading import reading
from traces.ways import found_by

NEEDS = 5
LATEST = 6
FOUND = 50
AGENTS = 10


@sign_in_required
@require_GET
def home(request: AuthenticatedRequest) -> HttpResponse:
    """What needs this person now, what trust looks like, the latest traces, the agents."""
    user, here = request.user, request.workspace
    found = needs(user, here)
    sees_all = has_permission(user, Permission.TRACE_VIEW, here)
    agents = list(agents_visible_to(user, here))
    span = Span.up_to(database_now(), DEFAULT)
    wrong = warning(here.pk) if sees_all else ""
    context = {
        "needs": found if "all" in request.GET else found[:NEEDS],
        "needs_count": len(found),
        "title": title_of(len(found)),
        "waiting": open_requests_for(user, here).count(),
        "finding_out": finding_out(list(in_doubt(here))) if sees_all else "",
        "alone": mode_now(here) if sees_all else None,
        # A trace whose ledger does not hold is among what needs this person.
        "ledger_warning": "" if BROKEN.search(wrong) else wrong,
        "days": DEFAULT,
        "families": families(Whose(here), span) if sees_all else [],
        "outcomes": outcomes(here, span) if sees_all else None,
        "latest": traces_visible_to(user, here).order_by("-created_at")[:LATEST],
        "agents": agent_rows(here, agents[:AGENTS]) if has_permission(user, Permission.AGENT_VIEW, here) else None,
        "agents_count": len(agents),
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
    """A pasted id of a trace, action, plan, approval or agent opens it; other words find traces by record, person and title."""
    wanted = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    if place := place_of(request.user, wanted):
        return redirect(place)
    visible = traces_visible_to(request.user, request.workspace)
    if not wanted:
        return render(request, "console/search.html", {})
    with reading():
        page = found_by(visible, request.workspace, wanted, FOUND, own_alone(request.user, request.workspace))
    context = {"wanted": wanted, "found": page.rows, "searched": page.searched, "titles": Filters(q=wanted).url()}
    return render(request, "console/search.html", context)


@sign_in_required
@require_GET
def gallery(request: AuthenticatedRequest) -> HttpResponse:
    """Every component in both themes: for owners, and for anybody signed in while this is developed."""
    if not settings.DEBUG and not has_permission(request.user, Permission.MEMBER_MANAGE, request.workspace):
        raise NotVisible("page")
    return render(request, "gallery/gallery.html", {"samples": samples()})


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and keeps what it confirms, the broker answers, checkpoints are signed; 503 names what is not so."""
    database = _database_answers()
    checks = {
        "database": database,
        "durable": database and not lost_commits(),
        "broker": _broker_answers(),
        "checkpoints": database and deployment_health().ok,
    }
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


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for whoever holds REMIT_METRICS_TOKEN; without one, for this machine only. Others get 404."""
    if not _may_measure(request):
        raise Http404
    return HttpResponse(metrics_text(), content_type=CONTENT_TYPE_LATEST)


def _may_measure(request: HttpRequest) -> bool:
    token = settings.REMIT_METRICS_TOKEN
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    # Behind a proxy every request comes from this machine, so one that was forwarded is not.
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    return request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and not forwarded


def _by_a_program(request: HttpRequest) -> bool:
    """Whether what asked reads a problem, not a page. People come to `/oauth/` with a browser, which says so."""
    if request.path.startswith("/oauth/"):
        return request.get_preferred_type(["application/problem+json", "text/html"]) != "text/html"
    return request.path.startswith(("/api/", "/mcp"))


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that was refused before any page read it: too large, damaged, or for a host that is not served here."""
    if _by_a_program(request):
        return problems.answer(problems.not_understood())
    return _alone(request, 400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Absent and forbidden look alike."""
    if _by_a_program(request):
        return problems.no_such_address()
    return render(request, "404.html", status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """Our own error, with an id to give to whoever runs Remit."""
    if _by_a_program(request):
        return problems.answer(problems.failed())
    return _alone(request, 500)


def _alone(request: HttpRequest, status: int) -> HttpResponse:
    """A page that needs nothing of what may have gone wrong, not even who is signed in."""
    return render(None, f"{status}.html", {"request_id": getattr(request, "request_id", "")}, status=status)
