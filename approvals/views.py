"""Queue, review and decide. Every form works as a plain POST."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.kept import STEP_UP, forget, keep_fields
from approvals.access import decidable_by
from approvals.fatigue import note_opened
from approvals.forms import VerdictForm
from approvals.http import request_on_page
from approvals.longtext import NotOpened, refuse_unopened
from approvals.models import ApprovalRequest
from approvals.polls import queue_news, stale_panel
from approvals.queue import queue_page
from approvals.refusals import AlreadyDecided, DigestChanged, StepUpNeeded, VerdictRefused
from approvals.review import review_page
from approvals.services import record_verdict
from approvals.statement import Proof
from approvals.stepup.here import here
from approvals.stepup.services import fresh_step_up, proof_of

DONE = {"approve": "Approved", "reject": "Rejected"}


@sign_in_required
@require_GET
@vary_on_headers("HX-Request")
def queue(request: AuthenticatedRequest) -> HttpResponse:
    """The queue alone; on a wide screen the most urgent request stands beside it, and says when it is in sight.

    INVARIANT: the list by itself opens nothing. Held by tests/stepup/test_openings.py.
    """
    page = queue_page(request.user, request.workspace, request.GET.get("show", ""))
    if request.htmx and "seen" in request.GET:
        return queue_news(request, page)
    first = page.first_request
    context: dict[str, Any] = {"queue": page, "review": None, "landing": True}
    if first is not None:
        context["review"] = review_page(request.user, first, page=page)
        context["form"] = VerdictForm(initial={"digest": first.digest})
    return render(request, "approvals/queue.html", context)


@sign_in_required
@require_GET
@vary_on_headers("HX-Request")
def review(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """One request, as it would run."""
    found = request_on_page(request, request_id)
    if request.htmx and "seen" in request.GET:
        return stale_panel(request, request.user, found)
    if request.htmx and "shown" in request.GET:
        return _noted(request, found)
    return render_review(request, found, VerdictForm(initial={"digest": found.digest}))


def _noted(request: AuthenticatedRequest, found: ApprovalRequest) -> HttpResponse:
    """What a page with the queue beside it says once the request is in sight, if that is still what would run."""
    if request.GET["shown"] == found.digest:
        note_opened(found, request.user)
    return HttpResponse(status=204)


@sign_in_required
@require_POST
def decide(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """Record a verdict on what was shown; 409 in place when it changed or was decided meanwhile."""
    found = request_on_page(request, request_id)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        return render_review(request, found, form, status=422)
    return record(request, found, form, proof_of(fresh_step_up(here(request))))


def record(
    request: AuthenticatedRequest, found: ApprovalRequest, form: VerdictForm, proof: Proof | None
) -> HttpResponse:
    """Record a checked form as this person's verdict; what still needs a step-up is kept and goes there."""
    actor = actor_for_user(request.user, found.workspace)
    given = dict(form.cleaned_data)
    try:
        refuse_unopened(found, choice=given["choice"], opened=given.pop("opened"))
        record_verdict(actor=actor, user=request.user, request_id=found.pk, proof=proof, **given)
    except (AlreadyDecided, DigestChanged) as error:
        found.refresh_from_db()
        return render_review(request, found, form, status=409, conflict=str(error))
    except StepUpNeeded:
        return prove_first(request, found, form, "approvals:decide")
    except (VerdictRefused, NotOpened) as error:
        form.add_error(None, str(error))
        return render_review(request, found, form, status=422)
    forget(request)
    return _recorded(request, found, form.cleaned_data["choice"])


def prove_first(request: AuthenticatedRequest, found: ApprovalRequest, form: Form, to: str) -> HttpResponse:
    """Keep a checked form that lacks a proof, and go where its person gives one."""
    kept = {name: "" if value in (None, False) else str(value) for name, value in form.cleaned_data.items()}
    keep_fields(request, reverse(to, args=[found.pk]), kept, STEP_UP)
    return redirect(reverse("approvals:confirm", args=[found.pk]))


def _recorded(request: AuthenticatedRequest, found: ApprovalRequest, choice: str) -> HttpResponse:
    left = len(decidable_by(request.user, found.workspace))
    word = "Sent" if found.kind == "draft" and choice == "approve" else DONE[choice]
    messages.success(request, f"{word}. {left} left for you.")
    return redirect(reverse("approvals:review", args=[found.pk]))


def render_review(
    request: AuthenticatedRequest, found: ApprovalRequest, form: Form, *, status: int = 200, conflict: str = ""
) -> HttpResponse:
    """One request with a form's fields as they were sent, beside the queue."""
    page = queue_page(request.user, found.workspace, request.GET.get("show", ""), current=found.pk)
    note_opened(found, request.user)
    raw, opened = request.GET.get("view") == "raw", "all" in request.GET
    seen = str(form.data.get("digest", "")) if conflict else ""
    shown = review_page(request.user, found, page=page, raw=raw, conflict=conflict, seen=seen, opened=opened)
    # Told of a decision that left nothing to do here: the next row has the focus. Counting the messages leaves them unread.
    next_row = bool(len(messages.get_messages(request))) and not shown.can_decide
    context: dict[str, Any] = {
        "queue": page,
        "review": shown,
        "form": form,
        "landing": False,
        "focus_next": next_row,
    }
    return render(request, "approvals/queue.html", context, status=status)
