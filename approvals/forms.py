"""The verdict form. `digest` is the payload the person was shown; it is checked again when the verdict is recorded."""

from django import forms

from approvals.models import Verdict


class VerdictForm(forms.Form):
    """Approve or reject, with a reason and the digest of what was shown."""

    choice = forms.ChoiceField(choices=Verdict.Choice.choices)
    reason = forms.CharField(required=False, max_length=2000, strip=True)
    digest = forms.CharField(max_length=80)
    # Whether the page showed long values whole when the button was pressed.
    opened = forms.BooleanField(required=False)

    def clean(self) -> dict[str, str]:
        """A rejection says why: the agent and the person who asked read it."""
        cleaned = super().clean() or {}
        if cleaned.get("choice") == Verdict.Choice.REJECT and not cleaned.get("reason"):
            self.add_error("reason", "Write a reason. The agent and the person who asked will read it.")
        return cleaned
