"""Edit a pending payload, or take it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import NotVisible
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from actions.arguments import BadArguments
from actions.edit import EditRefused, edit_payload, in_question
from actions.forms import EditForm
from actions.models import Action
from actions.withdraw import LONGEST, WithdrawRefused, refusal_for, withdraw
from approvals.eligibility import eligibility
from approvals.forms import VerdictForm
from approvals.http import request_on_page
from approvals.models import ApprovalRequest
from approvals.queue import queue_page
from approvals.refusals import DigestChanged, VerdictRefused
from approvals.review import review_page
from approvals.views import render_review


@sign_in_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """Edit a payload in place; saving runs the policy again before anything can be decided."""
    found = request_on_page(request, request_id)
    if request.method == "GET" and not eligibility(request.user, found).may_decide:
        return redirect(reverse("approvals:review", args=[found.pk]))
    form = _edit_form(found, request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return _render_edit(request, found, form, status=200 if request.method == "GET" else 422)
    try:
        actor = actor_for_user(request.user, found.workspace)
        edit_payload(
            actor=actor,
            editor=request.user,
            request_id=found.pk,
            digest=form.cleaned_data["digest"],
            values=form.values(),
        )
    except DigestChanged as error:
        return _again(request, found, str(error))
    except VerdictRefused as error:
        found.refresh_from_db()
        return render_review(
            request, found, VerdictForm(initial={"digest": found.digest}), status=409, conflict=str(error)
        )
    except (EditRefused, BadArguments) as error:
        form.add_error(None, str(error))
        return _render_edit(request, found, form, status=422)
    messages.success(request, "Edits saved. Policy was checked again.")
    return redirect(reverse("approvals:review", args=[found.pk]))


@sign_in_required
@require_POST
def withdraw_(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """Whoever asked takes the request back. Absent for everybody else."""
    found = request_on_page(request, request_id)
    action = Action.objects.select_related("requester").get(pk=found.action_id)
    if request.user.pk not in {action.requester_id, action.acting_user_id}:
        raise NotVisible("withdrawal")
    try:
        problem = refusal_for(request.user, action)
        if problem:
            raise WithdrawRefused(problem)
        actor, reason = actor_for_user(request.user, found.workspace), request.POST.get("reason", "")[:LONGEST]
        withdraw(actor=actor, action=action, reason=reason)
        messages.success(request, "Withdrawn. Nothing was executed.")
    except WithdrawRefused as error:
        messages.error(request, str(error))
    return redirect(reverse("approvals:review", args=[found.pk]))


def _edit_form(found: ApprovalRequest, data: Any) -> EditForm:
    definition, arguments = in_question(found)
    editable = found.displayed["editable"]
    return EditForm(data, definition=definition, arguments=arguments, editable=editable, digest=found.digest)


def _again(request: AuthenticatedRequest, found: ApprovalRequest, conflict: str) -> HttpResponse:
    """The editor over what stands there now, with what this person typed, above the payload as it would run now."""
    found.refresh_from_db()
    typed = request.POST.copy()
    typed["digest"] = found.digest
    form = _edit_form(found, typed)
    return _render_edit(request, found, form, status=409, conflict=conflict)


def _render_edit(
    request: AuthenticatedRequest, found: ApprovalRequest, form: EditForm, *, status: int, conflict: str = ""
) -> HttpResponse:
    page = queue_page(request.user, found.workspace, "", current=found.pk)
    seen = request.POST.get("digest", "") if conflict else ""
    shown = review_page(request.user, found, page=page, conflict=conflict, seen=seen)
    context: dict[str, Any] = {"queue": page, "review": shown, "edit_form": form, "editing": True}
    return render(request, "approvals/queue.html", context, status=status)
