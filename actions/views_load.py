"""The load of approvers and the terms of approving; and the list of automatic actions to look at again."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from actions import load
from actions.models import Recheck
from actions.rechecks import RecheckRefused, answer_recheck, rechecks_visible_to, title_of, why_not
from approvals.models import ApprovalSettings
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up
from approvals.terms import Terms, loosens, set_terms, terms_of

MOST_SHOWN = 100


class TermsForm(forms.Form):
    """How approvals are given in this workspace."""

    step_up_floor = forms.ChoiceField(
        choices=ApprovalSettings.Floor.choices, label="What every approver proves at least"
    )
    second_above = forms.IntegerField(
        required=False, min_value=1, max_value=1000, label="Second approver above this many an hour",
        help_text="Empty: never.",
    )  # fmt: skip
    prompt_budget = forms.IntegerField(min_value=0, max_value=100, label="Prompts per 100 actions, at most")
    recheck_per_mille = forms.IntegerField(
        min_value=0, max_value=1000, label="Automatic actions looked at again, per 1,000"
    )


@sign_in_required
@require_GET
def load_(request: AuthenticatedRequest) -> HttpResponse:
    """Who approves how much and how fast, and which agents ask how often."""
    require(request.user, Permission.AUDIT_VIEW, request.workspace)
    return _page(request, TermsForm(initial=asdict(terms_of(request.workspace.pk))))


def _page(request: AuthenticatedRequest, form: TermsForm, *, status: int = 200) -> HttpResponse:
    workspace, asked = request.workspace, request.GET.get("days", "")
    period = asked if asked in load.PERIODS else load.DEFAULT_PERIOD
    start = load.since(period)
    context = {
        "form": form,
        "periods": [(key, label, key == period) for key, label in load.PERIODS.items()],
        "approvers": load.approvers(workspace, start),
        "agents": load.agents(workspace, start, terms_of(workspace.pk).prompt_budget),
        "may_set": has_permission(request.user, Permission.MEMBER_MANAGE, workspace),
    }
    return render(request, "actions/load.html", context, status=status)


@sign_in_required
@require_POST
@step_up_first
def set_terms_(request: AuthenticatedRequest) -> HttpResponse:
    """Change the terms; asking less of people than before needs a fresh step-up."""
    require(request.user, Permission.MEMBER_MANAGE, request.workspace)
    form = TermsForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    terms = Terms(**form.cleaned_data)
    if loosens(terms_of(request.workspace.pk), terms) and fresh_step_up(here(request)) is None:
        raise StepUpMissing("Prove who you are first.")
    set_terms(actor=request.actor, workspace=request.workspace, terms=terms)
    messages.success(request, "Saved. It holds from the next verdict and the next dispatch on.")
    return redirect(reverse("actions:load"))


@sign_in_required
@require_GET
def rechecks(request: AuthenticatedRequest) -> HttpResponse:
    """Automatic actions chosen by lot: open ones first, then what was found."""
    require(request.user, Permission.APPROVAL_VIEW, request.workspace)
    found = rechecks_visible_to(request.user, request.workspace)
    context: dict[str, Any] = {
        "open": [_line(request, one) for one in found.filter(state=Recheck.State.OPEN)[:MOST_SHOWN]],
        "answered": [
            _line(request, one) for one in found.exclude(state=Recheck.State.OPEN).order_by("-at")[:MOST_SHOWN]
        ],
        "share": terms_of(request.workspace.pk).recheck_per_mille / 10,
    }
    return render(request, "actions/rechecks.html", context)


def _line(request: AuthenticatedRequest, found: Recheck) -> dict[str, Any]:
    return {"recheck": found, "title": title_of(found.action), "why_not": why_not(request.user, found)}


@sign_in_required
@require_POST
def answer_recheck_(request: AuthenticatedRequest, recheck_id: str) -> HttpResponse:
    """Fine, or not fine with a reason."""
    try:
        found = answer_recheck(
            actor=request.actor, user=request.user, workspace=request.workspace, recheck_id=recheck_id,
            fine=request.POST.get("found") == "fine", reason=request.POST.get("reason", ""),
        )  # fmt: skip
        word = "fine" if found.state == Recheck.State.FINE else "not fine. It stands on Home for 7 days"
        messages.success(request, f"Recorded as {word}.")
    except RecheckRefused as error:
        messages.error(request, str(error))
    return redirect(reverse("actions:rechecks"))
