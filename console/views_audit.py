"""The audit log: a page under filters, and its export."""

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.http import AuthenticatedRequest, as_download, sign_in_required
from traces.audit.export import export
from traces.audit.listing import FAMILIES, MOST_EXPORTED, Filters, audit_log

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@sign_in_required
@require_GET
def audit(request: AuthenticatedRequest) -> HttpResponse:
    """Who did what, to what, from where."""
    log = audit_log(request.user, request.workspace, Filters.from_query(request.GET))
    return render(request, "console/audit.html", {"log": log, "families": FAMILIES, "most": MOST_EXPORTED})


@sign_in_required
@require_GET
def audit_export(request: AuthenticatedRequest) -> HttpResponse:
    """The same as a file; `format` is csv or json."""
    form, filters = request.GET.get("format", ""), Filters.from_query(request.GET)
    try:
        text, is_cut = export(
            actor=request.actor, user=request.user, workspace=request.workspace, filters=filters, form=form
        )
    except ValueError as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    answer = as_download(HttpResponse(text, content_type=TYPES[form]), f"audit-{request.workspace.slug}.{form}")
    answer["X-Complete"] = "no" if is_cut else "yes"
    return answer
