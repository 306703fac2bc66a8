"""Forms of notices. Fields that hold secrets say so in their names, so that a form that could not be sent is not kept."""

from typing import Any

from django import forms

from traces.notices.events import PERSONAL, choices
from traces.notices.models import Channel
from traces.notices.schedule import Schedule
from traces.notices.services import Wanted

_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS = [(str(number), name) for number, name in enumerate(_DAY_NAMES)]
DIGESTS = [
    (0, "At once"),
    (15, "Every 15 minutes"),
    (60, "Every hour"),
    (240, "Every 4 hours"),
    (1440, "Once a day, at 00:00 UTC"),
]
_TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class HoursForm(forms.Form):
    """When something goes out."""

    digest_min = forms.TypedChoiceField(choices=DIGESTS, coerce=int, label="How often")
    quiet_from = forms.TimeField(required=False, widget=_TIME, label="Quiet from, UTC")
    quiet_to = forms.TimeField(required=False, widget=_TIME, label="Quiet until, UTC")
    quiet_days = forms.MultipleChoiceField(
        choices=DAYS, required=False, widget=forms.CheckboxSelectMultiple, label="Days on which quiet hours begin"
    )
    urgent_through = forms.BooleanField(required=False, label="Urgent ones come through quiet hours")

    @property
    def schedule(self) -> Schedule:
        """What was chosen, once it is valid."""
        data = self.cleaned_data
        days = tuple(int(day) for day in data["quiet_days"])
        return Schedule(data["quiet_from"], data["quiet_to"], days, data["urgent_through"], data["digest_min"])

    @staticmethod
    def hours_of(channel: Channel) -> dict[str, Any]:
        """Initial values."""
        return {
            "digest_min": channel.digest_min, "quiet_from": channel.quiet_from, "quiet_to": channel.quiet_to,
            "quiet_days": [str(day) for day in channel.quiet_days], "urgent_through": channel.urgent_through,
        }  # fmt: skip


class ChannelForm(HoursForm):
    """A channel of one kind. What is stored sealed is never shown again: an empty field keeps it."""

    name = forms.CharField(max_length=120, label="Name")
    to = forms.CharField(
        max_length=4000, widget=forms.Textarea(attrs={"rows": 3}), label="Addresses, one on each line", required=False
    )
    secret_url = forms.CharField(max_length=2048, label="URL it posts to", required=False)
    secret_key = forms.CharField(max_length=200, label="Routing key", required=False)
    events = forms.MultipleChoiceField(
        choices=choices(), widget=forms.CheckboxSelectMultiple, label="What it is told of"
    )
    field_order = ["name", "to", "secret_url", "secret_key", "events"]

    def __init__(self, *args: Any, kind: str, stored: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        unwanted = {"secret_url", "secret_key"} if kind == Channel.Kind.EMAIL else {"to"}
        unwanted |= {"secret_key"} if kind != Channel.Kind.PAGERDUTY else {"digest_min"}
        for name in unwanted:
            del self.fields[name]
        for name in {"to", "secret_url", "secret_key"} & set(self.fields):
            self.fields[name].widget.attrs["autocomplete"] = "off"
            self.fields[name].required = not stored
            if stored and name != "to":  # Addresses are shown to whoever may change them.
                self.fields[name].help_text = "Stored sealed and not shown. Leave it empty to keep it."
        if kind == Channel.Kind.PAGERDUTY and not stored:
            self.fields["secret_url"].initial = "https://events.pagerduty.com/v2/enqueue"

    def clean(self) -> dict[str, Any]:
        """An incident has no digest."""
        return {"digest_min": 0, **(super().clean() or {})}

    def wanted(self) -> Wanted:
        """What was asked for, once it is valid."""
        data = self.cleaned_data
        return Wanted(
            kind=self.kind, name=data["name"], events=tuple(data["events"]), schedule=self.schedule,
            url=data.get("secret_url", ""), key=data.get("secret_key", ""),
            to=tuple(data.get("to", "").replace(",", "\n").splitlines()),
        )  # fmt: skip


class PersonalForm(HoursForm):
    """What a person is told of for themself."""

    told = forms.BooleanField(required=False, label="Tell me by email")
    events = forms.MultipleChoiceField(
        choices=choices(PERSONAL), required=False, widget=forms.CheckboxSelectMultiple, label="What I am told of"
    )
    field_order = ["told", "events"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["urgent_through"].label = "Emergencies come through quiet hours"
        words = {
            "approval.requested": "Something waits for me",
            "approval.break_glass": "An emergency that my group is told of",
            "approval.settled": "What I asked for was decided or ran out",
        }
        self.fields["events"].choices = [(key, words[key]) for key in PERSONAL]  # type: ignore[attr-defined]


class HostForm(forms.Form):
    """A host for the egress list."""

    host = forms.CharField(max_length=255, label="Host, or mail domain")
