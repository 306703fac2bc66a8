"""Forms of decisions. `digest` is the payload the person was shown; it is checked again when the decision is recorded."""

from typing import Any

from django import forms

from approvals.glass_review import LEAST
from approvals.models import Verdict
from approvals.snoozes import LONGEST


class VerdictForm(forms.Form):
    """Approve or reject, with a reason and the digest of what was shown."""

    choice = forms.ChoiceField(choices=Verdict.Choice.choices)
    reason = forms.CharField(required=False, max_length=2000, strip=True)
    digest = forms.CharField(max_length=80)
    # Whether the page showed long values whole when the button was pressed.
    opened = forms.BooleanField(required=False)
    # Which step, where several wait for the same person.
    step = forms.IntegerField(required=False, min_value=1, max_value=10)

    def clean(self) -> dict[str, Any]:
        """A rejection says why: the agent and the person who asked read it."""
        cleaned = super().clean() or {}
        if cleaned.get("choice") == Verdict.Choice.REJECT and not cleaned.get("reason"):
            self.add_error("reason", "Write a reason. The agent and the person who asked will read it.")
        return cleaned


class QuestionForm(forms.Form):
    """What the agent is asked to change, in the field that verdicts use for their reason."""

    reason = forms.CharField(
        max_length=2000, strip=True, label="Reason",
        error_messages={"required": "Write what should change. The agent reads it."},
    )  # fmt: skip
    digest = forms.CharField(max_length=80)


class SnoozeForm(forms.Form):
    """For how long a request is put aside."""

    minutes = forms.IntegerField(min_value=1, max_value=LONGEST)


class BreakGlassForm(forms.Form):
    """Why it cannot wait, and the promise to say afterwards whether it was right."""

    reason = forms.CharField(
        max_length=2000, strip=True, label="Why can it not wait?", widget=forms.Textarea(attrs={"rows": 3})
    )
    promised = forms.BooleanField(required=False)
    # Whether the page showed long values whole when the button was pressed.
    opened = forms.BooleanField(required=False)
    digest = forms.CharField(max_length=80, widget=forms.HiddenInput)

    def __init__(self, *args: Any, least: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = f"At least {least} characters. Everybody who is told reads it."


class ReviewForm(forms.Form):
    """What happened, by whoever owes the review."""

    text = forms.CharField(
        min_length=LEAST, max_length=4000, strip=True, label="What happened, and would you do it again?",
        widget=forms.Textarea(attrs={"rows": 5}),
    )  # fmt: skip


class ConfirmForm(forms.Form):
    """A different person's word on it."""

    finding = forms.ChoiceField(
        label="Was it justified?", widget=forms.RadioSelect,
        choices=[("justified", "It could not wait"), ("unjustified", "It could have waited")],
    )  # fmt: skip
    note = forms.CharField(
        min_length=LEAST, max_length=2000, strip=True, label="What did you look at?",
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
