"""Trace pages: Show work, export, verify, answer. Each opens exactly what `traces.access` allows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import has_permission, require
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, as_download, sign_in_required
from accounts.models import User
from accounts.permissions import Permission
from traces.access import get_trace_for, traces_visible_to
from traces.doors import pause_url, reveal_url, rollback_url
from traces.export import bundle, outline
from traces.models import Entry, Trace
from traces.polling import asks_again, kept
from traces.services import note_opening, record_answer, record_export
from traces.show import integrity_panel, show_with_proof
from traces.tabular import change_rows, csv_text

RUNNING_POLL_S = 2


@sign_in_required
@require_GET
@vary_on_headers("HX-Request")
def trace_detail(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Show work. While it runs the page polls itself; an unchanged trace answers 204."""
    trace = get_trace_for(request.user, trace_id)
    request.show_workspace(trace.workspace)
    if asks_again(request, trace):
        return HttpResponse(status=204)
    note_opening(user=request.user, trace=trace)
    return render(request, "traces/trace_detail.html", _detail_context(request, trace))


def _detail_context(request: AuthenticatedRequest, trace: Trace) -> dict[str, Any]:
    whole, first = request.GET.get("show") == "all", request.GET.get("first", "")
    opened = frozenset(request.GET.get("open", "").split(","))
    story, integrity, inclusion = show_with_proof(
        trace,
        tab=request.GET.get("tab", ""),
        whole=whole,
        opened=opened,
        first_event=int(first) if first.isascii() and first.isdigit() and len(first) < 8 else 1,
    )
    return {
        "trace": trace,
        "story": replace(story, joins=_linked(request.user, trace, story.joins)),
        "integrity": integrity_panel(integrity, inclusion),
        "all_checks": request.GET.get("checks") == "all" or story.shows_passed,
        "export_url": reverse("traces:export", args=[trace.pk]),
        "verify_url": reverse("traces:verify", args=[trace.pk]),
        "answer_url": reverse("traces:answer", args=[trace.pk]),
        "rollback_url": (undo := rollback_url(request.user, trace.workspace, trace, story)),
        "can_rollback": bool(undo),
        "may_settle": has_permission(request.user, Permission.TRACE_ROLLBACK, trace.workspace),
        "pause_url": pause_url(request.user, trace.workspace, trace),
        "reveal_url": reveal_url(request.user, trace.workspace, trace, story),
        "opened": opened,
        "can_export": has_permission(request.user, Permission.TRACE_EXPORT, trace.workspace),
        "raw_url": reverse("traces:raw", args=[trace.pk]),
        "poll_url": f"{request.path}?{kept(request, trace.head_seq)}",
    }


def _linked(user: User, trace: Trace, joins: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with the page of the trace that was joined, where this person may open it."""
    named = {join["trace"] for join in joins if join["trace"]}
    shown = (
        set(traces_visible_to(user, trace.workspace).filter(pk__in=named).values_list("pk", flat=True)) if named else ()
    )
    return [
        {**join, "url": reverse("traces:detail", args=[join["trace"]]) if join["trace"] in shown else ""}
        for join in joins
    ]


def _note_export(request: AuthenticatedRequest, trace: Trace, form: str) -> None:
    """Before the file is made, so that none leaves without its line in the audit log."""
    actor = actor_for_user(request.user, trace.workspace)
    record_export(actor=actor, workspace_id=trace.workspace_id, of="trace", form=form, about={"trace": trace.pk})


@sign_in_required
@require_GET
def trace_export(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """The bundle of docs/trace.schema.json as a download."""
    trace = get_trace_for(request.user, trace_id)
    require(request.user, Permission.TRACE_EXPORT, trace.workspace)
    _note_export(request, trace, "bundle")
    answer = JsonResponse(bundle(trace), json_dumps_params={"indent": 2, "ensure_ascii": False})
    return as_download(answer, f"{trace.pk}.json")


@sign_in_required
@require_GET
def trace_outline(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """The redacted bundle of docs/outline.schema.json: order, time and kind of every entry, and nothing of what they say."""
    trace = get_trace_for(request.user, trace_id)
    require(request.user, Permission.TRACE_EXPORT, trace.workspace)
    _note_export(request, trace, "redacted bundle")
    return as_download(JsonResponse(outline(trace), json_dumps_params={"indent": 2}), f"{trace.pk}-redacted.json")


@sign_in_required
@require_GET
def trace_changes_csv(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Every changed, kept or refused field, one a row; refused while the ledger does not hold."""
    trace = get_trace_for(request.user, trace_id)
    require(request.user, Permission.TRACE_EXPORT, trace.workspace)
    story, integrity, _ = show_with_proof(trace, tab="")
    if not integrity.ok:
        messages.error(request, "The ledger of this trace does not hold, so its changes are not told as a table.")
        return redirect("traces:detail", trace.pk)
    _note_export(request, trace, "changes as CSV")
    answer = HttpResponse(csv_text(change_rows(story)), content_type="text/csv; charset=utf-8")
    return as_download(answer, f"{trace.pk}-changes.csv")


@sign_in_required
@require_GET
def trace_raw(request: AuthenticatedRequest, trace_id: str) -> HttpResponse:
    """Every record exactly as it was hashed, one a line."""
    trace = get_trace_for(request.user, trace_id)
    lines = Entry.objects.filter(trace=trace).order_by("seq").values_list("canonical", flat=True)
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")


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
