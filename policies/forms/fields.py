"""Forms of field allowlists. A form carries which boxes were ticked on the page, so that only real changes are made."""

from typing import cast

from django import forms
from django.http import QueryDict

from policies.forms.cells import name_field
from policies.forms.seen import SeenForm, hidden

KIND = {"read": "read", "write": "write"}
PATH = r"^[^.\[\]\x00-\x1f*]+(\.[^.\[\]\x00-\x1f*]+)*$"


class FieldListForm(SeenForm):
    """Which fields of one resource type a role may read or write; `had` were ticked when the page was drawn."""

    role = forms.CharField(max_length=80, widget=hidden())
    resource_type = forms.CharField(max_length=80, widget=hidden())
    kind = forms.ChoiceField(choices=list(KIND.items()), widget=hidden())

    is_typed = True  # Its boxes are no fields of it.

    def toggled(self) -> tuple[list[str], list[str]]:
        """Fields to allow and fields to refuse, in the order of the page."""
        data = cast(QueryDict, self.data)
        had, ticked = data.getlist("had"), data.getlist("field")
        return [name for name in ticked if name not in had], [name for name in had if name not in ticked]


class AddFieldForm(SeenForm):
    """One field by name: a path into a record the tools do not list, too."""

    role = forms.CharField(max_length=80, widget=hidden())
    resource_type = name_field("Record type")
    kind = forms.ChoiceField(choices=list(KIND.items()), label="To")
    path = forms.RegexField(
        regex=PATH, max_length=120, label="Field",
        error_messages={"invalid": "Write one field, such as region or address.city. Fields are allowed one by one."},
    )  # fmt: skip

    @property
    def place(self) -> str:
        """Which of a page's forms it is, as the templates name them: what was typed goes back into that one."""
        return "-".join(("add", *(self.data.get(name, "") for name in ("role", "resource_type", "kind"))))


class MaskForm(SeenForm):
    """How a readable field is shown to the agent: its value, or a chip with the kind of value."""

    role = forms.CharField(max_length=80, widget=hidden())
    resource_type = forms.CharField(max_length=80, widget=hidden())
    path = forms.RegexField(regex=PATH, max_length=120, label="Field")
    mask = forms.RegexField(
        regex=r"^[a-z][a-z ]{0,39}$", required=False, label="Shown as",
        error_messages={"invalid": "Name the kind of value in small letters, such as card number."},
    )  # fmt: skip

    @property
    def place(self) -> str:
        """See `AddFieldForm.place`."""
        return "-".join(("mask", *(self.data.get(name, "") for name in ("role", "resource_type", "path"))))


class UnlistedForm(SeenForm):
    """What an unlisted field does to the call that writes it."""

    role = forms.CharField(max_length=80, widget=hidden())
    resource_type = forms.CharField(max_length=80, widget=hidden())
    unlisted = forms.ChoiceField(
        label="A field that is not listed",
        choices=[("refuse_field", "is left out; the rest is written"), ("refuse_action", "stops the whole action")],
    )


class RedactForm(SeenForm):
    """A sensitive field of a resource type; an empty kind shows it again."""

    resource_type = name_field("Record type")
    path = forms.RegexField(
        regex=PATH, max_length=120, label="Field",
        error_messages={"invalid": "Write one field, such as card or address.street."},
    )  # fmt: skip
    kind = forms.RegexField(
        regex=r"^[a-z][a-z ]{0,39}$", required=False, label="Kind of value",
        error_messages={"invalid": "Name the kind of value in small letters, such as card number."},
    )  # fmt: skip
