"""Edits of field allowlists, masks and redactions."""

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from accounts.http import AuthenticatedRequest, sign_in_required
from policies import edits
from policies.edits import Plain
from policies.forms.fields import AddFieldForm, FieldListForm, MaskForm, RedactForm, UnlistedForm
from policies.forms.seen import SeenForm
from policies.pages.cells import Usage, usage_of, usage_words
from policies.pages.fields import redactions, type_fields, types_of_role
from policies.pages.place import Place, place_of
from policies.views.rendering import back, draw, draw_tiers, filters_of
from policies.views.saving import Change, Conflict, Seen, policy_to_edit, send


@sign_in_required
@require_GET
def fields(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Which fields each role may read and write, and what people see of them."""
    return _draw(request, place_of(request.user, request.workspace, slug))


def _draw(
    request: AuthenticatedRequest,
    place: Place,
    *,
    form: SeenForm | None = None,
    conflict: Conflict | None = None,
    status: int = 200,
) -> HttpResponse:
    """The Fields tab, or the matrix where the form was sent from a cell of it."""
    if filters_of(request).cell:
        return draw_tiers(request, place, refused=form, conflict=conflict, status=status)
    role = filters_of(request).role
    role = role if role in place.roles else next(iter(place.roles), "")
    usage = usage_of(place, role) if role else {}
    cards = [_card(place, role, kind, usage) for kind in types_of_role(place, role)] if role else []
    context = {
        "role": role, "cards": cards, "redactions": redactions(place), "refused": form, "conflict": conflict,
        "redact_form": _redact_form(place, form),
    }  # fmt: skip
    return draw(request, place, "fields", context, status=status)


def _redact_form(place: Place, refused: SeenForm | None) -> RedactForm:
    """The form for one more redaction: what was typed into it, where that was refused."""
    form = RedactForm(initial={"revision": place.revision, "was": edits.fingerprint(None)})
    if isinstance(refused, RedactForm) and (refused.data.get("kind") or refused.errors):
        form = refused
    form.fields["kind"].required = True  # Empty, it is the button that shows a field again.
    return form


def _card(place: Place, role: str, kind: str, usage: Usage) -> object:
    tools = [tool for tool, entry in place.tools.items() if entry.facts.resource_type == kind]
    return type_fields(place, role, kind, usage_words(usage, tools))


def _saved(
    request: AuthenticatedRequest, slug: str, form: SeenForm, change: Change, seen: Seen | None = None
) -> HttpResponse:
    sent = send(request, policy_to_edit(request, slug), form, change=change, seen=seen)
    if sent.saved:
        tab = "tiers" if filters_of(request).cell else "fields"
        return redirect(back(request, tab, slug))
    return _draw(
        request, place_of(request.user, request.workspace, slug), form=form, conflict=sent.conflict, status=sent.status
    )


def _place(form: SeenForm) -> tuple[str, ...]:
    """Where the field rule of a form stands in the document."""
    return "roles", form.cleaned_data["role"], "fields", form.cleaned_data["resource_type"]


@sign_in_required
@require_POST
def set_fields(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Boxes that were ticked or unticked; others stay as they stand now, whoever set them."""
    form = FieldListForm(request.POST)

    def change(plain: Plain, data: Mapping[str, str]) -> Plain:
        where = {name: data[name] for name in ("role", "resource_type", "kind")}
        allow, refuse = form.toggled()
        for path in allow:
            plain = edits.allow_field(plain, path=path, **where)
        for path in refuse:
            plain = edits.refuse_field(plain, path=path, **where)
        return plain

    return _saved(request, slug, form, change)


@sign_in_required
@require_POST
def add_field(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Allow one field that is named, such as a path into a record."""
    names = ("role", "resource_type", "kind", "path")
    return _saved(
        request,
        slug,
        AddFieldForm(request.POST),
        lambda plain, data: edits.allow_field(plain, **{n: data[n] for n in names}),
    )


@sign_in_required
@require_POST
def set_mask(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Show a readable field to agents as its kind only."""
    form = MaskForm(request.POST)
    return _saved(
        request, slug, form,
        lambda plain, data: edits.set_mask(
            plain, role=data["role"], resource_type=data["resource_type"], path=data["path"], kind=data["mask"] or None
        ),
        lambda plain: edits.value_at(plain, (*_place(form), "mask", form.cleaned_data["path"])),
    )  # fmt: skip


@sign_in_required
@require_POST
def set_unlisted(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """What an unlisted field does to the call that writes it."""
    form = UnlistedForm(request.POST)
    names = ("role", "resource_type", "unlisted")
    return _saved(
        request, slug, form, lambda plain, data: edits.set_unlisted(plain, **{name: data[name] for name in names}),
        lambda plain: edits.value_at(plain, (*_place(form), "unlisted")),
    )  # fmt: skip


@sign_in_required
@require_POST
def set_redact(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Withhold a field from people, or show it again."""
    form = RedactForm(request.POST)
    return _saved(
        request, slug, form,
        lambda plain, data: edits.set_redact(
            plain, resource_type=data["resource_type"], path=data["path"], kind=data["kind"] or None
        ),
        lambda plain: edits.value_at(plain, ("redact", form.cleaned_data["resource_type"], form.cleaned_data["path"])),
    )  # fmt: skip
