"""Forms of this app's pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from actions.definition import Definition
from actions.editors import editor

# An argument's own name may be any text, such as `digest`.
PREFIX = "value-"


class EditForm(forms.Form):
    """The editable values of one payload, each in an editor of its type, with the digest of the payload being edited."""

    digest = forms.CharField(max_length=80, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, definition: Definition, arguments: Mapping[str, Any], editable: Sequence[str],
        digest: str,
    ) -> None:  # fmt: skip
        now = definition.fields(arguments)
        self.now = {name: now[name] for name in editable if name in now}
        super().__init__(data, initial={"digest": digest, **{f"{PREFIX}{name}": self.now[name] for name in self.now}})
        self.fields |= {f"{PREFIX}{name}": editor(name, definition, arguments) for name in self.now}

    def values(self) -> dict[str, Any]:
        """Field name -> typed value. Only after `is_valid()`.

        INVARIANT: what nobody touched is the very value that was there, whatever a browser does to line ends and an editor to
        what is empty. Held by tests/approvals/test_untouched_values.py.
        """
        return {
            name: self.cleaned_data[f"{PREFIX}{name}"] if self._touched(name) else self.now[name] for name in self.now
        }

    def _touched(self, name: str) -> bool:
        bound = self[f"{PREFIX}{name}"]
        if bound.html_name not in self.data:
            return False
        drawn = bound.field.widget.format_value(bound.field.prepare_value(self.now[name]))
        return _as_sent(self.data[bound.html_name]) != _as_sent("" if drawn is None else drawn)


def _as_sent(drawn: Any) -> str:
    """The text of an editor with one kind of line end: browsers send their own."""
    # A select draws a list of the one choice it holds.
    text = str(drawn[0] if isinstance(drawn, list) and drawn else drawn)
    return text.replace("\r\n", "\n").replace("\r", "\n")


class RollbackForm(forms.Form):
    """Why. What to undo is ticked beside the values themselves."""

    reason = forms.CharField(max_length=500, min_length=3, label="Why are you rolling this back?")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].error_messages["required"] = "Write why. It stands in both traces."


class AttestForm(forms.Form):
    """What a person found out about an action, and where others can see it."""

    succeeded = forms.ChoiceField(
        label="Did it take effect?",
        choices=[("yes", "It took effect"), ("no", "It had no effect")],
        widget=forms.RadioSelect,
    )
    evidence = forms.CharField(
        min_length=20, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}), label="What did you see?"
    )
    link = forms.URLField(max_length=500, assume_scheme="https", label="Link to where others can see it")


class AnswerForm(forms.Form):
    """A second person's word."""

    reason = forms.CharField(max_length=2000, required=False, label="What did you see? Needed where you disagree.")


class PauseForm(forms.Form):
    """What to hold, and why. `what` is `scope:target`."""

    what = forms.ChoiceField(label="Hold")
    reason = forms.CharField(
        min_length=10, max_length=500, label="Reason", help_text="The agents' owners will read it."
    )

    def __init__(self, *args: Any, choices: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = choices  # type: ignore[attr-defined]
