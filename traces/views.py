"""Trace pages: list, Show work, export, verify, answer. Each opens exactly what `traces.access` allows."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import has_permission, require
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from traces.access import get_trace_for, traces_visible_to
from traces.export import bundle
from traces.listing import Filters, listing
from traces.models import Trace
from traces.services import record_answer
from traces.show import integrity_panel, show_with_proof

RUNNING_POLL_S = 2


@sign_in_required
@require_GET
@vary_on_headers("HX-Request")
def trace_list(request: AuthenticatedRequest) -> HttpResponse:
    """Traces of the current workspace, newest first, filtered by what stands in the URL."""
    visible = traces_visible_to(request.user, request.workspace)
    context = {"listing": listing(visible, Filters.from_query(request.GET))}
    return render(request, "traces/trace_list.html", context)


@sign_in_required
@require_GET
@vary_on_headers("HX-Request")
def trace_detail(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Show work. While it runs the page polls itself; an unchanged trace answers 204."""
    trace = get_trace_for(request.user, trace_id)
    request.show_workspace(trace.workspace)
    if request.htmx and request.GET.get("head") == str(trace.head_seq):
        return HttpResponse(status=204)
    return render(request, "traces/trace_detail.html", _detail_context(request, trace))


def _detail_context(request: AuthenticatedRequest, trace: Trace) -> dict[str, Any]:
    story, integrity, inclusion = show_with_proof(trace, tab=request.GET.get("tab", ""))
    return {
        "trace": trace,
        "story": story,
        "integrity": integrity_panel(integrity, inclusion),
        "all_checks": request.GET.get("checks") == "all",
        "export_url": reverse("traces:export", args=[trace.pk]),
        "verify_url": reverse("traces:verify", args=[trace.pk]),
        "answer_url": reverse("traces:answer", args=[trace.pk]),
        "rollback_url": reverse("actions:rollback", args=[trace.pk]),
        "can_rollback": _can_rollback(request, trace, story),
        "can_export": has_permission(request.user, Permission.TRACE_EXPORT, trace.workspace),
        "poll_url": f"{reverse('traces:detail', args=[trace.pk])}?tab={story.tab}&head={trace.head_seq}",
    }


def _can_rollback(request: AuthenticatedRequest, trace: Trace, story: Any) -> bool:
    entitled = has_permission(request.user, Permission.TRACE_ROLLBACK, trace.workspace)
    return bool(entitled and story.can_roll_back)


@sign_in_required
@require_GET
def trace_export(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """The bundle of docs/trace.schema.json as a download."""
    trace = get_trace_for(request.user, trace_id)
    require(request.user, Permission.TRACE_EXPORT, trace.workspace)
    answer = JsonResponse(bundle(trace), json_dumps_params={"indent": 2, "ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="{trace.pk}.json"'
    return answer


@sign_in_required
@require_POST
def trace_verify(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Walk the chain and check it against the last checkpoint again, and say what was found."""
    trace = get_trace_for(request.user, trace_id)
    _, found, inclusion = show_with_proof(trace, tab="")
    if found.ok:
        sentence = f"Verified {found.records} records. Each covers the one before it. {inclusion.sentence}"
        messages.success(request, sentence)
    else:
        messages.error(request, f"The chain does not hold. {found.problem}")
    return redirect(f"{reverse('traces:detail', args=[trace.pk])}#integrity")


@sign_in_required
@require_POST
def trace_answer(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Whether this page answered the reader's question."""
    trace = get_trace_for(request.user, trace_id)
    answer = request.POST.get("answer", "")
    if answer not in {"yes", "no"}:
        messages.error(request, "Choose Yes or No, then send your answer.")
    else:
        actor = actor_for_user(request.user, trace.workspace)
        record_answer(actor=actor, trace_id=trace.pk, answer=answer, line=request.POST.get("line", ""))
        messages.success(request, "Your answer was recorded in the ledger.")
    return redirect(f"{reverse('traces:detail', args=[trace.pk])}#answer")
