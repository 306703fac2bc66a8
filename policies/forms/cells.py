"""Forms of the tier matrix: one cell, a role and its tier."""

from collections.abc import Iterable
from typing import Any

from django import forms

from policies.engine.types import TIERS
from policies.forms.instants import InstantField, instant_text
from policies.forms.seen import SeenForm, choices, hidden
from policies.pages.sentences import TIER_WORDS, instant

MODE_WORDS = {"off": "Off", "draft": "Draft", "approval": "Approval", "auto": "Auto"}
# What may follow a rule's end.
ENDS = ("approval", "draft", "off")


def name_field(label: str, **options: Any) -> forms.RegexField:
    """A name as documents write it."""
    return forms.RegexField(
        regex=r"^[a-z][a-z0-9_.-]{0,79}$", label=label,
        error_messages={"invalid": "Use small letters, digits, dots, dashes or underscores, starting with a letter."},
        **options,
    )  # fmt: skip


class CellForm(SeenForm):
    """What one role may do with one tool. An empty mode leaves it to the tier; with an end, another mode follows."""

    role = forms.CharField(max_length=80, widget=hidden())
    tool = forms.CharField(max_length=80, widget=hidden())
    mode = forms.ChoiceField(required=False, label="Tier")
    route = forms.ChoiceField(required=False, label="Approval steps")
    until = InstantField(required=False, label="Until (UTC)")
    then = forms.ChoiceField(
        required=False, label="Then",
        choices=[("", "Approval where steps are named, else Off"), *((mode, MODE_WORDS[mode]) for mode in ENDS)],
    )  # fmt: skip

    def __init__(self, *args: Any, routes: Iterable[str], by_tier: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mode"].choices = [*MODE_WORDS.items(), ("", f"As the role’s tier says ({by_tier})")]  # type: ignore[attr-defined]
        self.fields["route"].choices = choices(routes, "None")  # type: ignore[attr-defined]

    @property
    def words(self) -> str:
        """The chosen tier as the form shows it. Only after `is_valid()`."""
        word = str(dict(self.fields["mode"].choices)[self.cleaned_data["mode"]])  # type: ignore[attr-defined]
        until = self.cleaned_data["until"]
        return f"{word} until {instant(instant_text(until))} UTC" if until else word

    @property
    def ending(self) -> dict[str, str | None]:
        """The end of the rule as documents write it. Only after `is_valid()`."""
        until = self.cleaned_data["until"]
        return {"until": instant_text(until) if until else None, "then": self.cleaned_data["then"] or None}


class RoleForm(SeenForm):
    """A new role."""

    role = name_field("Role")
    tier = forms.ChoiceField(choices=[(name, TIER_WORDS[name]) for name in TIERS])


class TierForm(SeenForm):
    """A role's tier, its runbook and which group is on call."""

    tier = forms.ChoiceField(choices=[(name, TIER_WORDS[name]) for name in TIERS])
    runbook = forms.CharField(
        required=False, max_length=300, strip=True, label="Runbook",
        help_text="An address with https://, or a path of this console.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    on_call = forms.ChoiceField(required=False, label="On call")

    def __init__(self, *args: Any, groups: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on_call"].choices = [("", "Nobody"), *groups]  # type: ignore[attr-defined]


class MoveForm(SeenForm):
    """A role's tier alone."""

    tier = forms.ChoiceField(choices=[(name, TIER_WORDS[name]) for name in TIERS])


class PolicyForm(forms.Form):
    """A new policy: a name, and the slug agents name it by."""

    name = forms.CharField(max_length=120, strip=True)
    slug = forms.RegexField(
        regex=r"^[a-z][a-z0-9_-]{0,59}$", max_length=60,
        error_messages={"invalid": "Use small letters, digits, dashes or underscores, starting with a letter."},
    )  # fmt: skip
