"""Edit a pending payload; preview and carry out a rollback."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from actions.arguments import BadArguments
from actions.edit import EditRefused, edit_payload
from actions.forms import EditForm, RollbackForm
from actions.rollback import RollbackRefused, final, preview, roll_back, undoable
from approvals.access import get_request_for
from approvals.models import ApprovalRequest
from approvals.queue import queue_page
from approvals.refusals import VerdictRefused
from approvals.review import review_page
from traces.access import get_trace_for
from traces.models import Trace


@sign_in_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """Edit a message in place; saving runs the policy again before anything can be sent."""
    found = get_request_for(request.user, request_id)
    request.show_workspace(found.workspace)
    form = EditForm(request.POST if request.method == "POST" else None, initial=_initial(found))
    if request.method == "GET" or not form.is_valid():
        return _render_edit(request, found, form, status=200 if request.method == "GET" else 422)
    values = {name: form.cleaned_data[name] for name in ("subject", "body")}
    try:
        actor = actor_for_user(request.user, found.workspace)
        edit_payload(
            actor=actor, editor=request.user, request_id=found.pk, digest=form.cleaned_data["digest"], values=values
        )
    except (VerdictRefused, EditRefused, BadArguments) as error:
        form.add_error(None, str(error))
        return _render_edit(request, found, form, status=409 if isinstance(error, VerdictRefused) else 422)
    messages.success(request, "Edits saved. Policy was checked again.")
    return redirect(reverse("approvals:review", args=[found.pk]))


def _initial(found: ApprovalRequest) -> dict[str, str]:
    payload = found.displayed["payload"]
    return {"subject": payload.get("subject", ""), "body": payload.get("body", ""), "digest": found.digest}


def _render_edit(request: AuthenticatedRequest, found: ApprovalRequest, form: EditForm, *, status: int) -> HttpResponse:
    page = queue_page(request.user, found.workspace, "", current=found.pk)
    shown = review_page(request.user, found, page=page)
    context: dict[str, Any] = {"queue": page, "review": shown, "edit_form": form, "editing": True}
    return render(request, "approvals/queue.html", context, status=status)


@sign_in_required
@require_http_methods(["GET", "POST"])
def rollback(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """The diff that would be applied, conflicts, what cannot be undone; then a button that names the effect."""
    trace = get_trace_for(request.user, trace_id)
    require(request.user, Permission.TRACE_ROLLBACK, trace.workspace)
    request.show_workspace(trace.workspace)
    actions = undoable(trace)
    chosen = next((a for a in actions if a.pk == request.POST.get("action", request.GET.get("action", ""))), None)
    form = RollbackForm(request.POST if request.method == "POST" else None)
    target = chosen or (actions[0] if actions else None)
    if request.method == "POST" and form.is_valid() and chosen is not None:
        try:
            actor = actor_for_user(request.user, trace.workspace)
            undo = roll_back(actor=actor, user=request.user, action=chosen, reason=form.cleaned_data["reason"])
            return redirect(reverse("traces:detail", args=[undo.trace_id]))
        except RollbackRefused as error:
            form.add_error(None, str(error))
    context = _rollback_context(trace, form, actions, target)
    return render(request, "actions/rollback_form.html", context, status=200 if request.method == "GET" else 422)


def _rollback_context(trace: Trace, form: RollbackForm, actions: list[Any], target: Any) -> dict[str, Any]:
    return {
        "trace": trace,
        "form": form,
        "choices": actions,
        "preview": preview(target) if target is not None else None,
        "cannot_undo": final(trace),
    }
