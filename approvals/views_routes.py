"""What a reviewer may do with a request beside deciding it. Each form is a plain POST."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from approvals.access import decidable_by
from approvals.forms import QuestionForm, SnoozeForm
from approvals.http import request_on_page
from approvals.questions import ask_for_changes
from approvals.refusals import AlreadyDecided, DigestChanged, VerdictRefused
from approvals.snoozes import snooze, wake
from approvals.views import render_review


@sign_in_required
@require_POST
def ask_changes(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """Send a request back to its agent with a question; 409 in place when it changed or was decided meanwhile."""
    found = request_on_page(request, request_id)
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return render_review(request, found, form, status=422)
    actor, text = actor_for_user(request.user, found.workspace), form.cleaned_data["reason"]
    try:
        ask_for_changes(
            actor=actor, user=request.user, request_id=found.pk, text=text, digest=form.cleaned_data["digest"]
        )
    except (AlreadyDecided, DigestChanged) as error:
        found.refresh_from_db()
        return render_review(request, found, form, status=409, conflict=str(error))
    except VerdictRefused as error:
        form.add_error(None, str(error))
        return render_review(request, found, form, status=422)
    left = len(decidable_by(request.user, found.workspace))
    messages.success(request, f"Sent back to {found.agent or 'the agent'}. {left} left for you.")
    return redirect("approvals:review", found.pk)


@sign_in_required
@require_POST
def snooze_(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """Put it aside; the next one that waits is shown."""
    found = request_on_page(request, request_id)
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose for how long to put it aside.")
        return redirect("approvals:review", found.pk)
    try:
        actor = actor_for_user(request.user, found.workspace)
        made = snooze(actor=actor, user=request.user, request_id=found.pk, minutes=form.cleaned_data["minutes"])
    except VerdictRefused as error:
        messages.error(request, str(error))
        return redirect("approvals:review", found.pk)
    messages.success(request, f"Put aside until {made.until:%H:%M} UTC. It comes back by itself.")
    return redirect("approvals:queue")


@sign_in_required
@require_POST
def wake_(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """Have it back in the queue now."""
    found = request_on_page(request, request_id)
    try:
        wake(actor=actor_for_user(request.user, found.workspace), user=request.user, request_id=found.pk)
    except VerdictRefused as error:
        messages.error(request, str(error))
    return redirect("approvals:review", found.pk)
