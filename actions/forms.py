"""Forms of this app's pages."""

from typing import Any

from django import forms


class EditForm(forms.Form):
    """A message's text, with the digest of the payload being edited."""

    subject = forms.CharField(max_length=200, strip=False)
    body = forms.CharField(max_length=5000, strip=False, widget=forms.Textarea(attrs={"rows": 10}))
    digest = forms.CharField(max_length=80, widget=forms.HiddenInput)


class RollbackForm(forms.Form):
    """Which action to undo, and why."""

    action = forms.CharField(max_length=40, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=500, min_length=3, label="Why are you rolling this back?")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].error_messages["required"] = "Write why. It stands in both traces."
