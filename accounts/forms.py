"""The sign-in form for accounts with a password."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate

from accounts.models import User
from accounts.tries import note_failure

WRONG = "This email and password do not match an active account. Check both and try again."


class SignInForm(forms.Form):
    """Email and password. One message for every failure, so that it tells nothing about accounts."""

    email = forms.EmailField(widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}))
    password = forms.CharField(
        strip=False, max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    user: User | None = None

    @classmethod
    def refused(cls, sentence: str) -> "SignInForm":
        """An empty form that says why a sign-in elsewhere was refused."""
        form = cls()
        form.cleaned_data = {}
        form.add_error(None, sentence)
        return form

    def clean(self) -> dict[str, Any]:
        """Sets `user` when both match."""
        cleaned = super().clean() or {}
        if "email" in cleaned and "password" in cleaned:
            found = authenticate(username=cleaned["email"].lower(), password=cleaned["password"])
            if not isinstance(found, User):
                note_failure(cleaned["email"].lower())
                raise forms.ValidationError(WRONG)
            self.user = found
        return cleaned
