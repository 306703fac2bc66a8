"""What people type: a code, a name, or what their passkey answered."""

from django import forms

ONE_TIME = {"autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "characters"}


class CodeForm(forms.Form):
    """An authenticator code or a recovery code."""

    code = forms.CharField(max_length=40, label="Code", widget=forms.TextInput(attrs=ONE_TIME))


class PasskeyForm(forms.Form):
    """The answer of a passkey to a challenge, as the browser's script puts it."""

    challenge = forms.CharField(max_length=40, widget=forms.HiddenInput)
    answer = forms.CharField(max_length=64 * 1024, widget=forms.HiddenInput)


class NameForm(forms.Form):
    """What a person calls a factor."""

    name = forms.CharField(max_length=80, label="Name", strip=True)


class NewAppForm(NameForm):
    """The first code of a new authenticator app."""

    challenge = forms.CharField(max_length=40, widget=forms.HiddenInput)
    code = forms.CharField(max_length=10, label="Code the app shows now", widget=forms.TextInput(attrs=ONE_TIME))


class NewPasskeyForm(NameForm, PasskeyForm):
    """A new passkey, as the browser's script answers for it."""
