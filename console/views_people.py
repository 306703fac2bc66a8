"""People of a workspace: roles, approver groups, and what admins say of them, which steps of a policy may ask for."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import member_of, require
from accounts.attributes import NAMES, by_sign_in, set_attribute
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.models import PersonAttribute, User
from accounts.permissions import Permission
from accounts.services import AccountRefused
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up
from console.people import people_of


class AttributesForm(forms.Form):
    """One input for each attribute; what may stand there is judged where it is set. `elsewhere` are those said by sign-in."""

    def __init__(self, *args: object, elsewhere: frozenset[str], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # Django's own
        for name in NAMES:
            self.fields[name] = forms.CharField(
                required=False, max_length=80, label=name.capitalize(), disabled=name in elsewhere,
                help_text="The organisation’s sign-in says it, so it is changed there." if name in elsewhere else "",
            )  # fmt: skip


@sign_in_required
@require_GET
def people(request: AuthenticatedRequest) -> HttpResponse:
    """Everybody with a role here, by name."""
    require(request.user, Permission.MEMBER_MANAGE, request.workspace)
    return render(request, "console/people.html", {"people": people_of(request.workspace)})


@sign_in_required
@require_http_methods(["GET", "POST"])
@step_up_first
def person(request: AuthenticatedRequest, user_id: str) -> HttpResponse:
    """What is said of one person; saying more needs a fresh step-up, because it may decide who approves."""
    require(request.user, Permission.MEMBER_MANAGE, request.workspace)
    user = member_of(request.workspace.pk, user_id)
    said = dict(PersonAttribute.objects.filter(workspace=request.workspace, user=user).values_list("name", "value"))
    data = request.POST if request.method == "POST" else None
    form = AttributesForm(data, initial=said, elsewhere=by_sign_in(user))
    if request.method == "POST" and form.is_valid() and _saved(request, user, form, said):
        messages.success(request, f"Saved what is said of {user.name}. It counts for what is asked from now on.")
        return redirect("console:people")
    status = 422 if form.is_bound else 200
    return render(request, "console/person.html", {"person": user, "form": form}, status=status)


def _saved(request: AuthenticatedRequest, user: User, form: AttributesForm, said: dict[str, str]) -> bool:
    """All or nothing. Raises StepUpMissing only where it would be said afterwards."""
    changed = {name: value for name, value in form.cleaned_data.items() if value != said.get(name, "")}
    try:
        with transaction.atomic():
            for name, value in changed.items():
                set_attribute(actor=request.actor, workspace=request.workspace, user=user, name=name, value=value)
            if any(changed.values()) and fresh_step_up(here(request)) is None:
                raise StepUpMissing("Prove who you are first.")
    except AccountRefused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False
    return True
