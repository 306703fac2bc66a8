"""The freeze form: one span of time, or a window of every week. All times are UTC."""

from collections.abc import Mapping
from typing import Any

from django import forms

from policies.engine.schema import DAYS
from policies.forms.instants import InstantField, instant_text
from policies.forms.rules import Rule, RuleForm
from policies.pages.sentences import DAY_NAMES, parse

CLOCK = {"type": "time", "step": "60"}


class FreezeForm(RuleForm):
    """When covered calls are denied."""

    section = "freezes"
    shape = forms.ChoiceField(choices=[("span", "Once"), ("weekly", "Every week")], label="How often")
    starts = InstantField(required=False, label="Once, from (UTC)")
    until = InstantField(required=False, label="Once, until (UTC)")
    days = forms.MultipleChoiceField(
        required=False,
        choices=[(day, DAY_NAMES[day]) for day in DAYS],
        label="Every week, days",
        widget=forms.CheckboxSelectMultiple,
    )
    start = forms.RegexField(
        regex=r"^([01]\d|2[0-3]):[0-5]\d$",
        required=False,
        label="Every week, start (UTC)",
        widget=forms.TextInput(attrs=CLOCK),
    )
    end = forms.RegexField(
        regex=r"^([01]\d|2[0-3]):[0-5]\d$", required=False, label="Every week, end (UTC)", widget=forms.TextInput(attrs=CLOCK),
        help_text="An end before the start is on the next day.",
    )  # fmt: skip
    reason = forms.CharField(max_length=500, strip=True, label="What the agent reads when it is refused")
    field_order = ["name", "reason", "shape", "id", "starts", "until", "start", "end", "days"]

    def read(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """See `RuleForm.read`."""
        found = super().read(rule) | {"reason": rule["reason"], "shape": "span" if "from" in rule else "weekly"}
        if "from" in rule:
            return found | {"starts": parse(rule["from"]), "until": parse(rule["until"])}
        return found | {name: rule[name] for name in ("days", "start", "end")}

    def clean(self) -> dict[str, Any]:
        """A span needs both ends in order; a week needs days and hours."""
        data = super().clean() or {}
        needed = ("starts", "until") if data.get("shape") == "span" else ("days", "start", "end")
        for name in needed:
            if not data.get(name) and name not in self.errors:
                self.add_error(name, "This is needed.")
        if data.get("shape") == "span" and data.get("starts") and data.get("until") and data["until"] <= data["starts"]:
            self.add_error("until", "The end is before the start.")
        return data

    def rule(self) -> Rule:
        """See `RuleForm.rule`."""
        data = self.cleaned_data
        if data["shape"] == "span":
            times: Rule = {"from": instant_text(data["starts"]), "until": instant_text(data["until"])}
        else:
            times = {"days": [day for day in DAYS if day in data["days"]], "start": data["start"], "end": data["end"]}
        return super().rule() | {"reason": data["reason"]} | times
