"""Single-operator mode: turned on with a reason and a proof, turned off at once, and what it does and does not reach."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import SingleOperator
from accounts.permissions import Permission
from accounts.single import LEAST, MOST, SingleOperatorRefused, mode_now, turn_off, turn_on, why_not_single
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up
from console.single import waiting_from_before, walls

MOST_SHOWN = 20


class SingleForm(forms.Form):
    """Why one person is enough here."""

    reason = forms.CharField(
        label="Why does one person decide here?", min_length=LEAST, max_length=MOST,
        widget=forms.Textarea(attrs={"rows": 3}), help_text=f"{LEAST} characters or more. It stands in the ledger.",
    )  # fmt: skip


@sign_in_required
@require_GET
def single_operator(request: AuthenticatedRequest) -> HttpResponse:
    """Whether it holds, what it does, and what stays out of its reach."""
    require(request.user, Permission.MEMBER_MANAGE, request.workspace)
    return _page(request, SingleForm())


@sign_in_required
@require_POST
@step_up_first
def single_on(request: AuthenticatedRequest) -> HttpResponse:
    """Turn it on; asking less of people than before needs a fresh step-up."""
    require(request.user, Permission.MEMBER_MANAGE, request.workspace)
    form = SingleForm(request.POST)
    if not form.is_valid() or _refused(request, form):
        return _page(request, form, status=422)
    messages.success(request, "Single-operator mode is on, for what is asked from now on.")
    return redirect("console:single_operator")


def _refused(request: AuthenticatedRequest, form: SingleForm) -> bool:
    """Whether it stayed off. Raises StepUpMissing only where it would be on afterwards."""
    problem = why_not_single(request.user, request.workspace)
    if not problem and fresh_step_up(here(request)) is None:
        raise StepUpMissing("Prove who you are first.")
    try:
        turn_on(actor=request.actor, user=request.user, workspace=request.workspace, reason=form.cleaned_data["reason"])
    except SingleOperatorRefused as error:
        form.add_error(None, str(error))
        return True
    return False


@sign_in_required
@require_POST
def single_off(request: AuthenticatedRequest) -> HttpResponse:
    """Turn it off at once."""
    require(request.user, Permission.MEMBER_MANAGE, request.workspace)
    turn_off(actor=request.actor, workspace=request.workspace)
    messages.success(request, "Single-operator mode is off. What you approved under it and has not run will not run.")
    return redirect("console:single_operator")


def _page(request: AuthenticatedRequest, form: SingleForm, *, status: int = 200) -> HttpResponse:
    mode, problem = mode_now(request.workspace), why_not_single(request.user, request.workspace)
    earlier = SingleOperator.objects.filter(workspace=request.workspace).select_related("user")
    context = {
        "form": form,
        "mode": mode,
        "waiting": waiting_from_before(mode) if mode else 0,
        "why_not": problem,
        # Where somebody else is there, what one person cannot reach is nothing to mend.
        "walls": [] if problem else walls(request.user, request.workspace),
        "earlier": [one for one in earlier[:MOST_SHOWN] if mode is None or one.pk != mode.pk],
    }
    return render(request, "console/single_operator.html", context, status=status)
