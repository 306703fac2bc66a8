"""What every edit carries: the draft's revision and a digest of the value that was on the page."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.http import QueryDict


def hidden() -> forms.HiddenInput:
    """An input nobody sees. It has no DOM id, because a page has several forms with the same ones."""
    return forms.HiddenInput(attrs={"id": False})


class SeenForm(forms.Form):
    """`revision` is the draft the page was drawn from; `was` the digest of the value it showed at the edited place."""

    revision = forms.IntegerField(min_value=0, required=False, widget=hidden())
    was = forms.CharField(max_length=64, required=False, widget=hidden())

    def refuse(self, field: str, sentence: str) -> None:
        """Put a refusal at the input it names, or above the form where it has none."""
        hidden = field not in self.fields or self[field].is_hidden
        self.add_error(None if hidden else field, sentence)

    @property
    def is_typed(self) -> bool:
        """Whether people type or choose something in it; a button alone has nothing to keep."""
        return bool(self.visible_fields())

    def look_again(self, *, revision: int, was: str) -> None:
        """The inputs stay; the next send is about what stands there now."""
        data = cast(QueryDict, self.data).copy()
        data["revision"], data["was"] = str(revision), was
        self.data = data

    def visible_by_name(self) -> list[forms.BoundField]:
        """The inputs people see, without those a page draws by itself."""
        return [field for field in self.visible_fields() if not field.name.startswith("when_")]


def choices(values: Iterable[Any], empty: str | None = None) -> list[tuple[str, str]]:
    """Names as choices of a select; `empty` is the word for none."""
    first = [("", empty)] if empty is not None else []
    return [*first, *((str(value), str(value)) for value in values)]
