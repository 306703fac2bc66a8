"""The form of what brings a role down a tier by itself: too large a share of an agent's changes that ended badly."""

from collections.abc import Mapping
from typing import Any

from django import forms

from policies.engine.schema import DEMOTED_BY
from policies.engine.types import TIERS
from policies.forms.amounts import SpanField
from policies.forms.rules import Known, Rule, RuleForm
from policies.forms.seen import choices
from policies.pages.sentences import SPOILED, TIER_WORDS


class DemotionForm(RuleForm):
    """More than so many per cent of one agent's changes in a window, of at least so many."""

    section = "demotions"
    about_calls = False
    role = forms.ChoiceField(label="Role")
    above = forms.IntegerField(min_value=0, max_value=99, label="More than, in per cent")
    on = forms.ChoiceField(choices=[(name, SPOILED[name]) for name in DEMOTED_BY], label="Of its changes are")
    window = SpanField(label="Within", help_text="Such as 30 d.")
    at_least = forms.IntegerField(
        min_value=1, max_value=100_000, label="At least so many changes", help_text="Fewer changes say nothing."
    )
    to = forms.ChoiceField(
        choices=[(tier, TIER_WORDS[tier]) for tier in TIERS if tier != "autonomous"], label="Goes down to"
    )
    field_order = ["name", "role", "above", "on", "window", "at_least", "to", "id"]

    def __init__(self, data: Any = None, *, known: Known, rule: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, known=known, rule=rule, **kwargs)
        named = {*known.roles, *([rule["role"]] if rule else [])}
        self.fields["role"].choices = choices(sorted(named))  # type: ignore[attr-defined]

    def read(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """See `RuleForm.read`."""
        return super().read(rule) | {name: rule[name] for name in _TERMS}

    def rule(self) -> Rule:
        """See `RuleForm.rule`."""
        return super().rule() | {name: self.cleaned_data[name] for name in _TERMS}


_TERMS = ("role", "on", "above", "window", "at_least", "to")
