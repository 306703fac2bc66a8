"""The form of a route: its steps, who is added when nobody decides, and the way for an emergency."""

from collections.abc import Mapping
from typing import Any

from django import forms

from policies.engine.routes import groups_of, mistakes, route_of
from policies.engine.schema import ATTRIBUTES, REASON_MIN, STEP_UPS
from policies.forms.amounts import SpanField
from policies.forms.cells import name_field
from policies.forms.route_steps import (
    ESCALATIONS,
    STEPS,
    escalation_fields,
    escalation_initial,
    escalation_of,
    step_fields,
    step_initial,
    step_of,
)
from policies.forms.rules import Known
from policies.forms.seen import SeenForm

STEP_UP_WORDS = {
    "none": "What the workspace asks of everybody",
    "totp": "A code or passkey within 5 minutes",
    "passkey": "A passkey that signs each approval",
}
Rows = list[tuple[int, list[forms.BoundField]]]


class RouteForm(SeenForm):
    """Approval steps. A step without a name is left out, so emptying one removes it; so is an escalation without a time."""

    name = name_field("Name of these steps")
    expires = SpanField(
        required=False, label="Expires after", help_text="Such as 1 h. Then the call is denied. Empty: 1 h."
    )
    remind = SpanField(required=False, label="Remind after", help_text="Such as 20 min, and again each time.")
    step_up = forms.ChoiceField(
        required=False, choices=[(key, STEP_UP_WORDS[key]) for key in STEP_UPS], label="What approvers prove"
    )
    second_above = forms.IntegerField(
        required=False, min_value=1, max_value=1000, label="Second approver above this many an hour",
        help_text="Approvals of one person. Empty: what the workspace asks.",
    )  # fmt: skip
    glass_group = forms.ChoiceField(
        required=False, label="Who may run it without the rest", help_text="Nobody: every step must be decided."
    )
    glass_review_group = forms.ChoiceField(required=False, label="Who confirms the review afterwards")
    glass_review_within = SpanField(required=False, label="Review within", help_text="Empty: 24 h.")
    glass_reason_min = forms.IntegerField(
        required=False, min_value=REASON_MIN, max_value=500, label="Characters of the reason, at least"
    )
    glass_notify = forms.MultipleChoiceField(
        required=False, label="Who is told at once", widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, data: Any = None, *, known: Known, rule: Mapping[str, Any] | None = None, initial: Mapping[str, Any]
    ) -> None:
        self.steps_count = max(STEPS, len((rule or {}).get("steps", ())) + 1)
        self.escalations_count = max(ESCALATIONS, len((rule or {}).get("escalation", ())) + 1)
        super().__init__(data, initial={**_initial(rule), **initial})
        named = groups_of(route_of("", rule)) if rule else []
        gone = [(slug, f"{slug} (no such group)") for slug in sorted(set(named) - {slug for slug, _ in known.groups})]
        groups = [*known.groups, *gone]
        for number in range(self.steps_count):
            self.fields.update(step_fields(number, [("", "Choose"), *groups]))
        for number in range(self.escalations_count):
            self.fields.update(escalation_fields(number, [("", "Choose"), *groups]))
        self.fields["glass_group"].choices = [("", "Nobody"), *groups]  # type: ignore[attr-defined]
        self.fields["glass_review_group"].choices = [("", "Choose"), *groups]  # type: ignore[attr-defined]
        self.fields["glass_notify"].choices = groups  # type: ignore[attr-defined]

    def lines(self) -> Rows:
        """The step rows in use and the next one, to draw."""
        return self._step_rows()[: self._in_use() + 1]

    def spare_lines(self) -> Rows:
        """The step rows after those."""
        return self._step_rows()[self._in_use() + 1 :]

    def _step_rows(self) -> Rows:
        return [(n + 1, [self[name] for name in step_fields(n, ())]) for n in range(self.steps_count)]

    def _in_use(self) -> int:
        """How many rows reach to the last one in which something stands."""
        return max((number for number, row in self._step_rows() if any(field.value() for field in row)), default=0)

    def escalation_lines(self) -> Rows:
        """The escalation rows, to draw."""
        return [(n + 1, [self[name] for name in escalation_fields(n, ())]) for n in range(self.escalations_count)]

    def glass_lines(self) -> list[forms.BoundField]:
        """The inputs of the way for an emergency, to draw."""
        return [self[name] for name in self.fields if name.startswith("glass_")]

    def clean(self) -> dict[str, Any]:
        """Sets `steps`, `escalation` and `break_glass`, and says what can never work. A route has at least one step."""
        data = super().clean() or {}
        places = [(n, step) for n in range(self.steps_count) if (step := step_of(data, n))]
        waits = [(n, item) for n in range(self.escalations_count) if (item := escalation_of(data, n))]
        for number, step in places:
            if not (step.keys() & {"group", "people", "attributes"}) and not self._unread(number):
                self.add_error(f"group_{number}", f"Choose who decides {step['name']}.")
        for number, item in waits:
            if "to" not in item:
                self.add_error(f"to_{number}", "Choose who may decide then.")
        if data.get("glass_group") and not data.get("glass_review_group"):
            self.add_error("glass_review_group", "Choose who confirms the review.")
        if not places:
            self.add_error("step_0", "Name at least one step.")
        data |= {"steps": [step for _, step in places], "escalation": [item for _, item in waits]}
        if not self.errors:
            self._refuse_mistakes([n for n, _ in places], [n for n, _ in waits])
        return data

    def _unread(self, number: int) -> bool:
        """Whether an input that says who decides a step was itself refused."""
        return any(f"{name}_{number}" in self.errors for name in ("people", *ATTRIBUTES))

    def _refuse_mistakes(self, places: list[int], waits: list[int]) -> None:
        """What can never work, at the input it is about."""
        for path, message in mistakes(self.rule()):
            match path:
                case ("steps", int(n), *_):
                    self.add_error(f"step_{places[n]}", message)
                case ("escalation", int(n), *_):
                    self.add_error(f"after_{waits[n]}", message)
                case _:
                    self.add_error(str(path[0]), message)

    def rule(self) -> dict[str, Any]:
        """The route the form says. Only after `is_valid()`."""
        data = self.cleaned_data
        parts = {
            "expires": data["expires"], "remind": data["remind"], "escalation": data["escalation"],
            "break_glass": _break_glass(data), "step_up": data["step_up"] if data["step_up"] != "none" else "",
            "second_above": data["second_above"],
        }  # fmt: skip
        said = {name: value for name, value in parts.items() if value}
        return {"steps": data["steps"], **said}


def _break_glass(data: Mapping[str, Any]) -> dict[str, Any]:
    """The way for an emergency as the document has it; nothing where nobody may take it."""
    if not data.get("glass_group"):
        return {}
    names = ("group", "reason_min", "review_within", "review_group", "notify")
    return {name: data[f"glass_{name}"] for name in names if data.get(f"glass_{name}")}


def _initial(rule: Mapping[str, Any] | None) -> dict[str, Any]:
    if rule is None:
        return {}
    found = {
        "expires": rule.get("expires", ""), "remind": rule.get("remind", ""),
        "step_up": rule.get("step_up", "none"), "second_above": rule.get("second_above"),
        **{f"glass_{name}": value for name, value in rule.get("break_glass", {}).items()},
    }  # fmt: skip
    for number, step in enumerate(rule["steps"]):
        found |= step_initial(number, step)
    for number, item in enumerate(rule.get("escalation", ())):
        found |= escalation_initial(number, item)
    return found
