"""The list of policies, and a new one."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import has_permission, require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from policies.drafts import create_policy
from policies.engine.problems import PolicyError
from policies.forms.cells import PolicyForm
from policies.pages.listing import listing_of
from policies.refusals import PolicyRefused


@sign_in_required
@require_http_methods(["GET", "POST"])
def policy_list(request: AuthenticatedRequest) -> HttpResponse:
    """Policies of this workspace; a POST makes a new one, which allows nothing until it is edited and published."""
    form = PolicyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        require(request.user, Permission.POLICY_EDIT, request.workspace)
        if form.is_valid() and _made(request, form):
            return redirect("policies:tiers", form.cleaned_data["slug"])
    context = {
        "rows": listing_of(request.user, request.workspace), "form": form,
        "may_edit": has_permission(request.user, Permission.POLICY_EDIT, request.workspace),
    }  # fmt: skip
    return render(request, "policies/policy_list.html", context, status=422 if form.errors else 200)


def _made(request: AuthenticatedRequest, form: PolicyForm) -> bool:
    try:
        create_policy(actor=request.actor, user=request.user, workspace=request.workspace, **form.cleaned_data)
    except PolicyRefused as error:
        form.add_error(error.field if error.field in form.fields else None, error.sentence)
    except PolicyError as error:
        form.add_error(None, str(error))
    return not form.errors
