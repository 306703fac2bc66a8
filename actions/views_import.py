"""The page of what a connection offers: read it, say what each tool is, import."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from actions.import_page import choices_of, rows_of
from actions.importing import ImportRefused, connection_to_import, import_tools, list_tools, read_document
from actions.models import Connection, Listing
from actions.openapi.document import MAX_DOCUMENT
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up


def of_connection(view: Callable[[AuthenticatedRequest, Connection], HttpResponse]) -> Callable[..., HttpResponse]:
    """The view of a connection whose tools may be imported; of another its own page, which says why not."""

    @wraps(view)
    def found_first(request: AuthenticatedRequest, slug: str) -> HttpResponse:
        try:
            found = connection_to_import(request.user, request.workspace, slug)
        except ImportRefused as error:
            messages.error(request, str(error))
            return redirect("actions:connection", slug)
        return view(request, found)

    return found_first


@sign_in_required
@require_GET
@of_connection
def offers(request: AuthenticatedRequest, found: Connection) -> HttpResponse:
    """What the connection's system offers, as last read."""
    return _page(request, found)


def _page(
    request: AuthenticatedRequest, found: Connection, *, data: Any = None, refused: str = "", status: int = 200
) -> HttpResponse:
    listing = Listing.objects.select_related("connection__workspace").filter(connection=found).first()
    rows = rows_of(listing, data) if listing else []
    context = {
        "connection": found, "listing": listing, "rows": rows, "refused": refused,
        "usable": sum(row.form is not None for row in rows), "document": request.POST.get("document", ""),
    }  # fmt: skip
    return render(request, "actions/offer_list.html", context, status=status)


@sign_in_required
@require_POST
@of_connection
def read_offers(request: AuthenticatedRequest, found: Connection) -> HttpResponse:
    """Ask the server what it offers, or read the document that was given."""
    try:
        if found.kind == "mcp":
            listing = list_tools(actor=request.actor, connection=found)
        else:
            listing = read_document(actor=request.actor, connection=found, text=_document(request))
    except ImportRefused as error:
        return _page(request, found, refused=str(error), status=422)
    told = f"{len(listing.offers)} offered. Nothing is imported until you say what each is."
    (messages.warning if listing.moved else messages.success)(request, " ".join([*listing.moved, told]))
    return redirect("actions:offers", found.slug)


def _document(request: AuthenticatedRequest) -> str:
    """The pasted text, or the uploaded file. Raises ImportRefused."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return request.POST.get("document", "")
    if (file.size or 0) > MAX_DOCUMENT:
        raise ImportRefused(f"file: The document has more than {MAX_DOCUMENT // 1024} KiB. Cut it to what agents need.")
    try:
        return str(file.read(), "utf-8")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"file: Byte {error.start} is not UTF-8. Save the document as UTF-8.") from error


@sign_in_required
@require_POST
@step_up_first
@of_connection
def import_offers(request: AuthenticatedRequest, found: Connection) -> HttpResponse:
    """Make tools of what was ticked. Whoever says what a tool does has just proved who they are."""
    listing = Listing.objects.select_related("connection__workspace").filter(connection=found).first()
    choices, bad = choices_of(rows_of(listing, request.POST)) if listing else ({}, [])
    if bad:
        return _page(request, found, data=request.POST, refused="Some of what you said does not fit.", status=422)
    if choices and fresh_step_up(here(request)) is None:
        raise StepUpMissing("Prove who you are first.")
    try:
        tools = import_tools(
            actor=request.actor, connection=found, digest=request.POST.get("digest", ""), choices=choices
        )
    except ImportRefused as error:
        return _page(request, found, data=request.POST, refused=str(error), status=409)
    names = ", ".join(tool.name for tool in tools)
    messages.success(request, f"Imported: {names}. No agent may use them until a policy names them.")
    return redirect("actions:connection", found.slug)
