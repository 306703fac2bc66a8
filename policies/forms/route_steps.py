"""The rows of a route's form: steps in order, and who is added when nobody decides. Values only; the form draws them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from policies.engine.schema import ATTRIBUTE, ATTRIBUTES
from policies.forms.amounts import SpanField

Choices = Sequence[tuple[str, str]]
STEPS, ESCALATIONS = 6, 3


class EmailsField(forms.CharField):
    """Emails as people type them, with commas or spaces between; a list of small letters, each once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, strip=True, required=False, **options)

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError for what is no email."""
        text = super().to_python(value) or ""
        found = list(dict.fromkeys(text.lower().replace(",", " ").split()))
        for email in found:
            forms.EmailField().clean(email)
        return found


class AttributeField(forms.CharField):
    """An attribute's value as people type it; kept in small letters with single spaces."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=80, strip=True, required=False, **options)

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError for what no attribute of a person can be."""
        said = " ".join((super().to_python(value) or "").lower().split())
        if said and not re.fullmatch(ATTRIBUTE["pattern"], said):
            raise forms.ValidationError("Write small letters, digits, spaces, _, . or -, as in finance.")
        return said


def step_fields(number: int, groups: Choices) -> dict[str, forms.Field]:
    """The inputs of one step."""
    step = f"step {number + 1}"
    fields: dict[str, forms.Field] = {
        f"step_{number}": forms.CharField(required=False, max_length=120, strip=True, label=step.capitalize()),
        f"group_{number}": forms.ChoiceField(required=False, choices=groups, label=f"Group of {step}"),
        f"people_{number}": EmailsField(label=f"Or people of {step}", help_text="Emails, with commas between."),
        **{
            f"{name}_{number}": AttributeField(label=f"{'And' if place else 'Or by'} {name}, {step}")
            for place, name in enumerate(ATTRIBUTES)
        },
        f"quorum_{number}": forms.IntegerField(
            required=False, min_value=1, max_value=20, label=f"How many decide {step}"
        ),
    }
    if number:
        fields[f"with_{number}"] = forms.BooleanField(required=False, label=f"At the same time as step {number}")
    return fields


def step_of(data: Mapping[str, Any], number: int) -> dict[str, Any] | None:
    """One step as the document has it; None where it has no name."""
    name, people = data.get(f"step_{number}", ""), data.get(f"quorum_{number}") or 1
    if not name:
        return None
    parts = {
        "name": name, "group": data.get(f"group_{number}"), "people": data.get(f"people_{number}"),
        "attributes": {each: said for each in ATTRIBUTES if (said := data.get(f"{each}_{number}"))},
        "quorum": people if people > 1 else None, "with": "previous" if data.get(f"with_{number}") else None,
    }  # fmt: skip
    return {key: value for key, value in parts.items() if value}


def step_initial(number: int, step: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs' values for a step."""
    return {
        f"step_{number}": step["name"], f"group_{number}": step.get("group", ""),
        f"people_{number}": ", ".join(step.get("people", ())), f"quorum_{number}": step.get("quorum", 1),
        f"with_{number}": "with" in step,
        **{f"{name}_{number}": value for name, value in step.get("attributes", {}).items()},
    }  # fmt: skip


def escalation_fields(number: int, groups: Choices) -> dict[str, forms.Field]:
    """The inputs of one escalation."""
    return {
        f"after_{number}": SpanField(required=False, label=f"Escalation {number + 1}, after"),
        f"to_{number}": forms.ChoiceField(required=False, choices=groups, label=f"Group of escalation {number + 1}"),
        f"for_{number}": forms.CharField(
            required=False, max_length=120, strip=True, label=f"Only step, escalation {number + 1}",
            help_text="Empty: whatever still waits.",
        ),
    }  # fmt: skip


def escalation_of(data: Mapping[str, Any], number: int) -> dict[str, Any] | None:
    """One escalation as the document has it; None where it has no time."""
    parts = {"after": data.get(f"after_{number}"), "to": data.get(f"to_{number}"), "step": data.get(f"for_{number}")}
    return {key: value for key, value in parts.items() if value} if parts["after"] else None


def escalation_initial(number: int, item: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs' values for an escalation."""
    return {f"after_{number}": item["after"], f"to_{number}": item["to"], f"for_{number}": item.get("step", "")}
