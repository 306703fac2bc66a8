"""The list of actions and its export."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import has_permission, require
from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, as_download, sign_in_required
from accounts.permissions import Permission
from actions.listing import COLUMNS, export_rows, listing, matching
from traces.canonical import instant
from traces.filters import Filters
from traces.paging import newest
from traces.services import record_export
from traces.tabular import csv_text

MOST = 5000


@sign_in_required
@require_GET
def action_list(request: AuthenticatedRequest) -> HttpResponse:
    """Actions of the current workspace, newest first, filtered by what stands in the URL."""
    found = listing(request.user, request.workspace, request.GET)
    context = {
        "listing": found,
        "can_export": has_permission(request.user, Permission.TRACE_EXPORT, request.workspace),
        "export_url": f"{reverse('actions:export')}{found.query}{'&' if found.query else '?'}",
    }
    return render(request, "actions/action_list.html", context)


@sign_in_required
@require_GET
def export(request: AuthenticatedRequest) -> HttpResponse:
    """All that match, as CSV or as JSON (`format=json`). More than MOST are refused, never cut."""
    require(request.user, Permission.TRACE_EXPORT, request.workspace)
    filters = Filters.from_query(request.GET)
    actions = newest(matching(request.user, request.workspace, filters), MOST + 1)
    if filters.problems or len(actions) > MOST:
        said = [*filters.problems, f"from: more than {MOST} actions match. Choose a shorter window."]
        return JsonResponse({"problems": said[: len(filters.problems) or 1]}, status=422)
    form = "json" if request.GET.get("format") == "json" else "csv"
    about = {"filters": filters.active, "actions": len(actions)}
    record_export(actor=request.actor, workspace_id=request.workspace.pk, of="actions", form=form.upper(), about=about)
    rows = export_rows(actions)
    if form == "json":
        made = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        whole = {"made_at": instant(database_now()), "filters": filters.active, "actions": made}
        return as_download(JsonResponse(whole, json_dumps_params={"indent": 2, "ensure_ascii": False}), "actions.json")
    return as_download(HttpResponse(csv_text(rows, COLUMNS), content_type="text/csv; charset=utf-8"), "actions.csv")
