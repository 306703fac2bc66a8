"""Instants as browsers send them and as documents write them. All times are UTC."""

from datetime import UTC
from typing import Any

from django import forms


class InstantField(forms.DateTimeField):
    """A date and a time in UTC, as browsers send them."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(
            widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **options
        )


def instant_text(value: Any) -> str:
    """`2026-12-24T18:00Z`."""
    return str(value.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ"))
