"""What agents did in a window, to a record, or for a person: one page to argue from, and its exports."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.access import has_permission, require
from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, as_download, sign_in_required
from accounts.permissions import Permission
from traces.doors import pause_url, rollback_url
from traces.filters import OUTCOMES, Filters
from traces.incident.gather import Told, in_batches, last_page, matching, page_of, title_of, totals, worst_first
from traces.incident.output import MOST, changes_csv, document
from traces.listing import agents_for, chosen_chips, form_fields
from traces.services import record_export

NIGHT = timedelta(hours=24)
FIELDS = ["from", "to", "agent", "record", "tool", "person"]


@sign_in_required
@require_GET
def page(request: AuthenticatedRequest) -> HttpResponse:
    """The traces that match what stands in the URL, worst first. Without a choice, the address of the last 24 hours."""
    filters = Filters.from_query(request.GET)
    if not filters.active and not filters.problems:
        return redirect(f"{reverse('incident:page')}?from={database_now() - NIGHT:%Y-%m-%dT%H:%M}")
    counted = totals(request.user, request.workspace, filters)
    number = min(_number(request.GET.get("page", "")), last_page(counted))
    told, more = page_of(matching(request.user, request.workspace, filters), number)
    context = {
        "title": title_of(filters, counted, OUTCOMES), "totals": counted, "told": _with_doors(request, told), "filters": filters,
        "may_settle": has_permission(request.user, Permission.TRACE_ROLLBACK, request.workspace),
        "opened": frozenset(request.GET.get("open", "").split(",")), **_around(request, filters, number, more=more),
    }  # fmt: skip
    return render(request, "traces/incident.html", context)


def _with_doors(request: AuthenticatedRequest, told: Sequence[Told]) -> list[tuple[Told, str, str]]:
    """Each trace, and where this person rolls it back and pauses its agent."""
    who = (request.user, request.workspace)
    return [(one, rollback_url(*who, one.trace, one.story), pause_url(*who, one.trace)) for one in told]


def _around(request: AuthenticatedRequest, filters: Filters, number: int, *, more: bool) -> dict[str, Any]:
    """Chips, the form and the addresses beside the traces."""
    return {
        "chosen": chosen_chips(filters),
        "fields": form_fields(filters, FIELDS),
        "agents": agents_for(request.user, request.workspace),
        "can_export": has_permission(request.user, Permission.TRACE_EXPORT, request.workspace),
        "list_url": reverse("traces:list") + filters.url(),
        "export_url": reverse("incident:export") + filters.url(),
        "next_url": filters.url(page=str(number + 1)) if more else "",
        "previous_url": filters.url(page=str(number - 1)) if number > 1 else "",
    }  # fmt: skip


def _number(text: str) -> int:
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1


@sign_in_required
@require_GET
def export(request: AuthenticatedRequest) -> HttpResponse:
    """All that match, as JSON (`format=json`) or their changes as CSV. More than MOST traces are refused, never cut."""
    require(request.user, Permission.TRACE_EXPORT, request.workspace)
    filters = Filters.from_query(request.GET)
    found = matching(request.user, request.workspace, filters)
    traces = list(worst_first(found)[: MOST + 1])
    if filters.problems or len(traces) > MOST:
        said = [*filters.problems, f"from: more than {MOST} traces match. Choose a shorter window."]
        return JsonResponse({"problems": said[: len(filters.problems) or 1]}, status=422)
    form, about = _form(request), {"filters": filters.active, "traces": len(traces)}
    record_export(actor=request.actor, workspace_id=request.workspace.pk, of="incident", form=form.upper(), about=about)
    told = in_batches(traces)
    if form == "csv":
        table = HttpResponse(changes_csv(told), content_type="text/csv; charset=utf-8")
        return as_download(table, "incident-changes.csv")
    counted = totals(request.user, request.workspace, filters)
    made = document(request.workspace, filters, title_of(filters, counted, OUTCOMES), counted, told)
    return as_download(JsonResponse(made, json_dumps_params={"indent": 2, "ensure_ascii": False}), "incident.json")


def _form(request: AuthenticatedRequest) -> str:
    return "csv" if request.GET.get("format") == "csv" else "json"
