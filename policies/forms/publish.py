"""Forms around publishing: asking, agreeing, declining, waivers, and a whole document at once."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from policies.forms.cells import name_field
from policies.forms.instants import InstantField, instant_text
from policies.forms.seen import SeenForm, choices, hidden


class ProposeForm(SeenForm):
    """What the history says, why where it loosens, and when it takes effect."""

    message = forms.CharField(
        max_length=500, strip=True, label="Message", help_text="What changes, for whoever reads the history.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    reason = forms.CharField(
        max_length=500, strip=True, label="Reason", widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Why it may loosen. The second person reads it.",
        error_messages={"required": "Write why this may loosen. The second person reads it."},
    )  # fmt: skip
    when = forms.ChoiceField(choices=[("now", "Now"), ("at", "At a time")], label="Takes effect")
    effective_at = InstantField(required=False, label="Time (UTC)")

    def __init__(self, *args: Any, takes_two: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not takes_two:
            del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        """A later time needs the time."""
        data = super().clean() or {}
        if data.get("when") == "at" and not data.get("effective_at") and "effective_at" not in self.errors:
            self.add_error("effective_at", "Choose the time.")
        if data.get("when") == "now":
            data["effective_at"] = None
        return data


class AgreeForm(SeenForm):
    """Agreement to exactly what was shown."""

    digest = forms.CharField(max_length=80, widget=hidden())


class DeclineForm(SeenForm):
    """Back to editing, with a reason."""

    reason = forms.CharField(max_length=500, strip=True, label="Reason", widget=forms.Textarea(attrs={"rows": 2}))


class WaiverForm(SeenForm):
    """A control that is missing on purpose, by name and until a day."""

    id = name_field("Id")
    control = forms.ChoiceField(label="Control")
    role = forms.ChoiceField(required=False, label="Role")
    reason = forms.CharField(max_length=500, strip=True, label="Reason")
    expires = InstantField(label="Until (UTC)")

    def __init__(self, *args: Any, controls: Iterable[tuple[str, str]], roles: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["control"].choices = list(controls)  # type: ignore[attr-defined]
        self.fields["role"].choices = choices(roles, "Every role")  # type: ignore[attr-defined]

    def waiver(self, by: str) -> dict[str, Any]:
        """The waiver as the document has it. Only after `is_valid()`."""
        data = self.cleaned_data
        role = {"role": data["role"]} if data["role"] else {}
        return {
            "id": data["id"],
            "control": data["control"],
            **role,
            "reason": data["reason"],
            "by": by,
            "expires": instant_text(data["expires"]),
        }


class TextField(forms.CharField):
    """A text that is read strictly elsewhere, which says where it is wrong: nothing of it is cut, stripped or refused here.

    A `maxlength` would let the browser cut off the end of what is pasted, and what is left may load.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)
        self.validators = [check for check in self.validators if not isinstance(check, ProhibitNullCharactersValidator)]

    def to_python(self, value: Any) -> Any:
        """Each end of a line is one character, as the person counts them and as browsers do not send them."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class DocumentForm(SeenForm):
    """A whole document as YAML."""

    source = TextField(
        label="Document",
        widget=forms.Textarea(attrs={"rows": 24, "class": "mono", "spellcheck": "false"}),
    )  # fmt: skip


class ShadowForm(forms.Form):
    """A name for what runs in the shadow."""

    name = forms.CharField(max_length=120, strip=True, label="Name")


class ResetForm(forms.Form):
    """Why a tripped breaker may let calls through again."""

    reason = forms.CharField(max_length=500, min_length=10, strip=True, label="Reason")
