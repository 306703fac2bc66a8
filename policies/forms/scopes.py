"""The row-scope form: up to four picked conditions, or CEL."""

from collections.abc import Iterable
from typing import Any

from django import forms

from policies.forms.seen import SeenForm, hidden
from policies.pages.conditions import OPERATORS, Condition, NotSayable, to_cel

LINES = 4


class ScopeForm(SeenForm):
    """Which records a role may touch. Pickers and CEL say the same; `view` says which of them is sent."""

    role = forms.CharField(max_length=80, widget=hidden())
    resource_type = forms.CharField(max_length=80, widget=hidden())
    view = forms.ChoiceField(choices=[("pick", "pick"), ("cel", "cel")], widget=hidden())
    cel = forms.CharField(
        required=False,
        max_length=2000,
        strip=True,
        label="CEL",
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono"}),
    )

    def __init__(self, *args: Any, known: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [("", "Choose"), *((key, words) for key, (words, _, _) in OPERATORS.items())]
        for number in range(LINES):
            self.fields[f"field_{number}"] = forms.CharField(
                required=False,
                max_length=120,
                label=f"Field {number + 1}",
                widget=forms.TextInput(attrs={"list": "known-fields", "placeholder": "Field"}),
            )
            self.fields[f"operator_{number}"] = forms.ChoiceField(
                required=False, choices=words, label=f"Condition {number + 1}"
            )
            self.fields[f"value_{number}"] = forms.CharField(
                required=False,
                max_length=300,
                label=f"Value {number + 1}",
                widget=forms.TextInput(attrs={"placeholder": "Value"}),
            )
        self.known = sorted(set(known))

    def lines(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        """The picker rows, to draw."""
        return [(self[f"field_{n}"], self[f"operator_{n}"], self[f"value_{n}"]) for n in range(LINES)]

    def clean(self) -> dict[str, Any]:
        """Sets `expression`: CEL, or empty for no scope."""
        cleaned = super().clean() or {}
        if cleaned.get("view") == "cel":
            cleaned["expression"] = cleaned.get("cel", "")
            return cleaned
        conditions = []
        for number in range(LINES):
            field, operator = cleaned.get(f"field_{number}", ""), cleaned.get(f"operator_{number}", "")
            if not field and not operator:
                continue
            if not operator:
                self.add_error(f"operator_{number}", f"Say what has to hold of {field}.")
            elif not field:
                self.add_error(f"field_{number}", "Choose a field.")
            else:
                conditions.append(Condition(field, operator, cleaned.get(f"value_{number}", "")))
        try:
            cleaned["expression"] = to_cel(conditions)
        except NotSayable as error:
            self.add_error(None, str(error))
        return cleaned


def initial_of(conditions: list[Condition]) -> dict[str, str]:
    """Picked conditions as form values."""
    found: dict[str, str] = {}
    for number, condition in enumerate(conditions[:LINES]):
        found |= {
            f"field_{number}": condition.field,
            f"operator_{number}": condition.operator,
            f"value_{number}": condition.value,
        }
    return found
