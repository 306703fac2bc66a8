"""The page on which a person sees one withheld value, with a reason that stands in the ledger."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from traces.access import get_trace_for
from traces.models import Trace
from traces.reveal import LEAST_REASON, Revealed, RevealRefused, kept_values, reveal


class RevealForm(forms.Form):
    """Which value, and why."""

    commitment = forms.CharField(max_length=64, label="Value", error_messages={"required": "Choose which value."})
    reason = forms.CharField(
        min_length=LEAST_REASON, max_length=500, label="Why do you need to see it?",
        error_messages={"required": "Write why. It stands in the ledger beside your name."},
    )  # fmt: skip


@sign_in_required
@require_http_methods(["GET", "POST"])
def trace_reveal(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Every value that is kept, by kind and place; one of them in clear once its reason is written down."""
    trace = get_trace_for(request.user, trace_id)
    require(request.user, Permission.REVEAL, trace.workspace)
    request.show_workspace(trace.workspace)
    form = RevealForm(request.POST if request.method == "POST" else None)
    shown = _revealed(request, trace, form) if form.is_valid() else None
    asked = request.GET.get("page", "")
    number = max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1
    kept, more = kept_values(trace, number)
    context = {"trace": trace, "form": form, "shown": shown, "kept": kept, "next": number + 1 if more else 0}
    # What was shown stands in no address, so it is not a page to come back to.
    return render(request, "traces/reveal.html", context, status=422 if form.errors else 200)


def _revealed(request: AuthenticatedRequest, trace: Trace, form: RevealForm) -> Revealed | None:
    actor, given = actor_for_user(request.user, trace.workspace), form.cleaned_data
    try:
        return reveal(
            actor=actor, user=request.user, trace=trace, commitment=given["commitment"], reason=given["reason"]
        )
    except RevealRefused as error:
        form.add_error(None, str(error))
        return None
