"""Preview and carry out a rollback of a trace, or of one stopped plan of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import NotVisible, require
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.ids import is_id
from accounts.permissions import Permission
from actions.forms import RollbackForm
from actions.models import Plan, Rollback
from actions.redaction import Secrets
from actions.rollback import Item, RollbackRefused, preview_trace, roll_back_trace
from traces.access import get_trace_for
from traces.models import Trace
from traces.show import show


@sign_in_required
@require_http_methods(["GET", "POST"])
def rollback(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Every change and how it would be undone, conflicts, what cannot be undone; then a button that names the effect."""
    trace = get_trace_for(request.user, trace_id)
    require(request.user, Permission.TRACE_ROLLBACK, trace.workspace)
    request.show_workspace(trace.workspace)
    plan = _plan(trace, request.GET.get("plan", ""))
    form = RollbackForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = roll_back_trace(
                actor=actor_for_user(request.user, trace.workspace), user=request.user, trace=trace, plan=plan,
                wanted=_wanted(request), reason=form.cleaned_data["reason"],
            )  # fmt: skip
        except RollbackRefused as error:
            form.add_error(None, str(error))
            return _page(request, trace, plan, form, status=409)
        if made.state == Rollback.State.STOPPED:
            messages.error(request, f"The rollback stopped. {made.detail}")
        return redirect("traces:detail", made.undo_trace_id)
    return _page(request, trace, plan, form, status=200 if request.method == "GET" else 422)


def _plan(trace: Trace, plan_id: str) -> Plan | None:
    """The plan named in the address. Raises NotVisible for one that is not of this trace."""
    if not plan_id:
        return None
    found = Plan.objects.filter(pk=plan_id, trace=trace).first() if is_id("pln", plan_id) else None
    if found is None:
        raise NotVisible("plan")
    return found


def _wanted(request: AuthenticatedRequest) -> dict[str, list[str]]:
    """The ticks: `field` is `action:name`, `call` an action that another call makes up for."""
    wanted: dict[str, list[str]] = {action_id: [] for action_id in request.POST.getlist("call")}
    for ticked in request.POST.getlist("field"):
        action_id, _, name = ticked.partition(":")
        wanted.setdefault(action_id, []).append(name)
    return wanted


def _page(
    request: AuthenticatedRequest, trace: Trace, plan: Plan | None, form: RollbackForm, *, status: int
) -> HttpResponse:
    items, steps = preview_trace(trace, plan), show(trace, tab="")[0].steps
    context: dict[str, Any] = {
        "trace": trace,
        "plan": plan,
        "form": form,
        "items": [_shown(item, steps) for item in items],
        "possible": any(item.possible for item in items),
    }
    return render(request, "actions/rollback_form.html", context, status=status)


def _shown(item: Item, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One change as people read it: what is or may hold a sensitive value by its kind, the sentence as the ledger tells it."""
    row = next((step for step in steps if step["action_id"] == item.action.pk), None)
    known = Secrets(item.definition.sensitive)
    return {
        "item": item,
        "sentence": row["title"] if row else item.definition.title,
        "rows": [{"row": row, "kind": known.kind_of_leaf(row.field) or ""} for row in item.rows],
        "arguments": [
            (name, "" if known.kind_of_leaf(name) else value) for name, value in item.call.get("arguments", {}).items()
        ],
    }
