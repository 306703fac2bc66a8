"""Instants as browsers send them and as documents write them. All times are UTC."""

from datetime import UTC, datetime
from typing import Any

from django import forms


class _InstantInput(forms.DateTimeInput):
    """Seconds are shown where there are any, so that a form sent unchanged changes nothing."""

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, datetime) and value.second:
            return value.strftime("%Y-%m-%dT%H:%M:%S")
        return super().format_value(value)


class InstantField(forms.DateTimeField):
    """A date and a time in UTC, as browsers send them."""

    def __init__(self, **options: Any) -> None:
        widget = _InstantInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(
            widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **options
        )


def instant_text(value: Any) -> str:
    """`2026-12-24T18:00Z`, with seconds where there are any."""
    at = value.astimezone(UTC)
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ" if at.second else "%Y-%m-%dT%H:%MZ"))
