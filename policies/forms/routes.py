"""The form of a route: steps in order, each with a group and how many of it decide."""

from collections.abc import Mapping
from typing import Any

from django import forms

from policies.engine.schema import SEPARATION, STEP_UPS
from policies.forms.amounts import SpanField
from policies.forms.cells import name_field
from policies.forms.rules import Known
from policies.forms.seen import SeenForm

SEPARATION_WORDS = {
    "requester": "The person who asked may not decide",
    "agent_owner": "The agent’s owner may not decide",
    "editor": "Whoever edited the payload may not decide",
    "same_person": "One person decides one step only",
    "late_joiner": "People who joined the group later may not decide",
}
STEP_UP_WORDS = {
    "none": "What the workspace asks of everybody",
    "totp": "A code or passkey within 5 minutes",
    "passkey": "A passkey that signs each approval",
}
STEPS = 6


class RouteForm(SeenForm):
    """Approval steps. A step without a name is left out, so emptying one removes it."""

    name = name_field("Name of these steps")
    expires = SpanField(
        required=False, label="Expires after", help_text="Such as 1 h. Then the call is denied. Empty: 1 h."
    )
    separation = forms.MultipleChoiceField(
        required=False, choices=[(key, SEPARATION_WORDS[key]) for key in SEPARATION], label="Who may not decide",
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    step_up = forms.ChoiceField(
        required=False, choices=[(key, STEP_UP_WORDS[key]) for key in STEP_UPS], label="What approvers prove"
    )

    def __init__(
        self, data: Any = None, *, known: Known, rule: Mapping[str, Any] | None = None, initial: Mapping[str, Any]
    ) -> None:
        self.count = max(STEPS, len((rule or {}).get("steps", ())) + 1)
        super().__init__(data, initial={**_initial(rule), **initial})
        named = {step["group"] for step in (rule or {}).get("steps", ())} - {slug for slug, _ in known.groups}
        groups = [("", "Choose"), *known.groups, *((slug, f"{slug} (no such group)") for slug in sorted(named))]
        for number in range(self.count):
            self.fields[f"step_{number}"] = forms.CharField(
                required=False, max_length=120, strip=True, label=f"Step {number + 1}"
            )
            self.fields[f"group_{number}"] = forms.ChoiceField(
                required=False, choices=groups, label=f"Group of step {number + 1}"
            )
            self.fields[f"quorum_{number}"] = forms.IntegerField(
                required=False, min_value=1, max_value=20, label=f"People of step {number + 1}"
            )

    def lines(self) -> list[tuple[int, forms.BoundField, forms.BoundField, forms.BoundField]]:
        """The step rows, to draw."""
        return [(n + 1, self[f"step_{n}"], self[f"group_{n}"], self[f"quorum_{n}"]) for n in range(self.count)]

    def clean(self) -> dict[str, Any]:
        """Sets `steps`. A route has at least one."""
        data = super().clean() or {}
        data["steps"] = []
        for number in range(self.count):
            name, group = data.get(f"step_{number}", ""), data.get(f"group_{number}", "")
            if not name:
                continue
            if not group:
                self.add_error(f"group_{number}", f"Choose who decides {name}.")
            people = data.get(f"quorum_{number}") or 1
            data["steps"].append({"name": name, "group": group, **({"quorum": people} if people > 1 else {})})
        if not data["steps"]:
            self.add_error("step_0", "Name at least one step.")
        return data

    def rule(self) -> dict[str, Any]:
        """The route the form says. Only after `is_valid()`."""
        data = self.cleaned_data
        expires = {"expires": data["expires"]} if data["expires"] else {}
        kept = [key for key in SEPARATION if key in data["separation"]]
        step_up = {"step_up": data["step_up"]} if data["step_up"] not in {"", "none"} else {}
        return {"steps": data["steps"], **expires, "separation": kept, **step_up}


def _initial(rule: Mapping[str, Any] | None) -> dict[str, Any]:
    if rule is None:
        return {"separation": list(SEPARATION)}
    found = {"expires": rule.get("expires", ""), "separation": rule.get("separation", list(SEPARATION))}
    found["step_up"] = rule.get("step_up", "none")
    for number, step in enumerate(rule["steps"]):
        found |= {
            f"step_{number}": step["name"],
            f"group_{number}": step["group"],
            f"quorum_{number}": step.get("quorum", 1),
        }
    return found
