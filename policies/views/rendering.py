"""Draws a tab of a policy with everything around it, for the page itself and for what is put back to its writer."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.http import AuthenticatedRequest
from policies.forms.cells import RoleForm
from policies.forms.seen import SeenForm
from policies.pages.cells import CellPanel, cell_panel
from policies.pages.frame import frame_of
from policies.pages.impact import impact_of
from policies.pages.place import Place
from policies.pages.tiers import Filters, matrix_of
from policies.views.saving import Conflict


def draw(
    request: AuthenticatedRequest,
    place: Place,
    tab: str,
    context: dict[str, Any],
    *,
    template: str = "",
    status: int = 200,
) -> HttpResponse:
    """A page of a policy under one of its tabs."""
    around = {
        "place": place,
        "frame": frame_of(place, tab),
        "impact": impact_of(place),
        "tab": tab,
        "query": here(request),
    }
    return render(request, f"policies/{template or tab}.html", around | context, status=status)


def draw_tiers(
    request: AuthenticatedRequest, place: Place, *, cell: CellPanel | None = None, role_form: RoleForm | None = None,
    refused: SeenForm | None = None, conflict: Conflict | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The matrix, with the selected cell below it. `refused` is a form of the page that was not saved."""
    chosen = filters_of(request)
    context = {
        "matrix": matrix_of(place, chosen),
        "cell": cell or cell_panel(place, chosen.cell),
        "role_form": role_form or RoleForm(initial={"revision": place.revision}),
        "refused": refused,
        "conflict": conflict,
    }
    return draw(request, place, "tiers", context, status=status)


def filters_of(request: AuthenticatedRequest) -> Filters:
    """The filters of the matrix, from the address."""
    given = {name: request.GET.get(name, "").replace("\x00", "").strip()[:170] for name in ("tool", "role", "cell")}
    return Filters(changed=request.GET.get("show") == "changed", **given)


def here(request: AuthenticatedRequest) -> str:
    """The query part of this address: forms carry it, so that filters stay after a save."""
    text = request.META.get("QUERY_STRING", "")
    return f"?{text}" if text else ""


def back(request: AuthenticatedRequest, name: str, slug: str) -> str:
    """The address of a tab, with the filters the form was sent from."""
    return reverse(f"policies:{name}", args=[slug]) + here(request)
