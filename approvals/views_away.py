"""Being away: who stands in for this person, for whom this person stands in, and taking it back."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import User
from accounts.permissions import Permission
from approvals.delegations import (
    DelegationRefused,
    delegates_for,
    delegations_visible_to,
    get_delegation_for,
    name_delegate,
    revoke_delegation,
    stays_with,
)

MOST_SHOWN = 50


def _instant(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget)


class AwayForm(forms.Form):
    """Who stands in, and for how long. Times are UTC, as everywhere."""

    delegate = forms.ChoiceField(label="Who decides for you")
    starts_at = _instant("From (UTC)")
    ends_at = _instant("Until (UTC)")
    note = forms.CharField(label="Note", required=False, max_length=200)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["delegate"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above; the base class does not say so.
        field.choices = [(one.email, one.name) for one in people]


@sign_in_required
@require_http_methods(["GET", "POST"])
def away(request: AuthenticatedRequest) -> HttpResponse:
    """Delegations of this workspace that this person sees, and a form to name a delegate."""
    people = delegates_for(request.user, request.workspace)
    if request.method == "GET":
        return _page(request, AwayForm(people=people, initial={"starts_at": database_now()}))
    form = AwayForm(request.POST, people=people)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        made = name_delegate(actor=request.actor, user=request.user, workspace=request.workspace, **form.cleaned_data)
    except DelegationRefused as error:
        form.add_error(error.field, str(error))
        return _page(request, form, status=422)
    left = stays_with(request.user, request.workspace).count
    stays = f" {left} that wait{'s' if left == 1 else ''} now stay{'s' if left == 1 else ''} with you." if left else ""
    messages.success(request, f"{made.delegate.name} decides for you until {made.ends_at:%-d %b %H:%M} UTC.{stays}")
    return redirect("approvals:away")


def _page(request: AuthenticatedRequest, form: AwayForm, *, status: int = 200) -> HttpResponse:
    now = database_now()
    found = list(delegations_visible_to(request.user, request.workspace)[:MOST_SHOWN])
    context = {
        "form": form,
        "current": [one for one in found if one.revoked_at is None and one.ends_at > now],
        "past": [one for one in found if one.revoked_at is not None or one.ends_at <= now],
        "now": now,
        "staying": stays_with(request.user, request.workspace),
        "decides": has_permission(request.user, Permission.APPROVAL_DECIDE, request.workspace),
    }
    return render(request, "approvals/away.html", context, status=status)


@sign_in_required
@require_POST
def revoke(request: AuthenticatedRequest, delegation_id: str) -> HttpResponse:
    """Take a delegation back at once."""
    found = get_delegation_for(request.user, request.workspace, delegation_id)
    revoke_delegation(actor=request.actor, user=request.user, delegation=found)
    messages.success(request, "Taken back. Nothing more is decided under it.")
    return redirect("approvals:away")
