"""Saved views: a person's own names for filters of the trace list.

They are bookmarks, seen by their owner alone and about nothing that is governed, so they leave no ledger entry.
"""

from django.db import transaction

from accounts.access import NotVisible
from accounts.models import User, Workspace
from traces.filters import Filters
from traces.models import SavedView

MOST = 30


class ViewRefused(ValueError):
    """A view that cannot be saved; the message says what to do."""


def views_of(user: User, workspace: Workspace) -> list[SavedView]:
    """A person's saved views of one workspace, by name."""
    return list(SavedView.objects.filter(user=user, workspace=workspace))


def save_view(*, user: User, workspace: Workspace, name: str, filters: Filters) -> SavedView:
    """Keep filters under a name; the same name again replaces them. Raises ViewRefused."""
    name = " ".join(name.split())[:60]
    if not name or "\x00" in name:
        raise ViewRefused("name: write what you want to call this view.")
    if not filters.active:
        raise ViewRefused("filters: choose a filter first; the whole list needs no view.")
    with transaction.atomic():
        mine = User.objects.select_for_update().filter(pk=user.pk)  # So that two at once cannot pass the most.
        mine.get()
        others = SavedView.objects.filter(user=user, workspace=workspace).exclude(name=name)
        if others.count() >= MOST:
            raise ViewRefused(f"name: you have {MOST} views here. Remove one first.")
        view, _ = SavedView.objects.update_or_create(
            user=user, workspace=workspace, name=name, defaults={"query": filters.url()}
        )
    return view


def remove_view(*, user: User, workspace: Workspace, view_id: str) -> SavedView:
    """Remove one of a person's own views. Raises NotVisible."""
    view = SavedView.objects.filter(user=user, workspace=workspace, pk=view_id[:40].replace("\x00", "")).first()
    if view is None:
        raise NotVisible("saved view")
    SavedView.objects.filter(pk=view.pk).delete()
    return view
