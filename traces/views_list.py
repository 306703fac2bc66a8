"""The trace list and a person's saved views of it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from traces.filters import Filters
from traces.listing import listing
from traces.saved import ViewRefused, remove_view, save_view, views_of


@sign_in_required
@require_GET
def trace_list(request: AuthenticatedRequest) -> HttpResponse:
    """Traces of the current workspace, newest first, filtered by what stands in the URL."""
    saved = views_of(request.user, request.workspace)
    return render(
        request, "traces/trace_list.html", {"listing": listing(request.user, request.workspace, request.GET, saved)}
    )


@sign_in_required
@require_POST
def view_save(request: AuthenticatedRequest) -> HttpResponse:
    """Keep the filters of the form's query under a name."""
    filters = Filters.from_query(request.POST)
    try:
        view = save_view(
            user=request.user, workspace=request.workspace, name=request.POST.get("name", ""), filters=filters
        )
        messages.success(request, f"Saved as {view.name}.")
    except ViewRefused as error:
        messages.error(request, str(error))
    return redirect(reverse("traces:list") + filters.url())


@sign_in_required
@require_POST
def view_remove(request: AuthenticatedRequest, view_id: str) -> HttpResponse:
    """Remove one of one's own saved views."""
    view = remove_view(user=request.user, workspace=request.workspace, view_id=view_id)
    messages.success(request, f"Removed the view {view.name}.")
    return redirect("traces:list")
