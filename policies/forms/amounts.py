"""Numbers as people type them: money in major units, spans such as `15 min`."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from policies.engine.currencies import digits_of

_WORDS = {"s": "s sec second seconds", "min": "min minute minutes", "h": "h hour hours", "d": "d day days"}
UNITS = {word: unit for unit, words in _WORDS.items() for word in words.split()}
MOST = 10**15


class MoneyField(forms.CharField):
    """A decimal with a point; thousands may have commas."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=24, strip=True, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **options)

    def to_python(self, value: Any) -> Any:
        """A Decimal. Raises ValidationError."""
        text = super().to_python(value) or ""
        if not text:
            return None
        if not re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+(\.\d+)?", text):
            raise forms.ValidationError("Write a number such as 100 or 1,250.50.")
        try:
            return Decimal(text.replace(",", ""))
        except InvalidOperation as error:  # pragma: no cover - the pattern admits decimals only
            raise forms.ValidationError("Write a number such as 100 or 1,250.50.") from error

    def clean(self, value: Any) -> Any:
        """As `to_python`; an empty value where one is needed is an error."""
        if self.required and not str(value or "").strip():
            raise forms.ValidationError("Write a number such as 100 or 1,250.50.")
        return self.to_python(value)


class SpanField(forms.CharField):
    """`15 min` as the document writes it: `15min`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, strip=True, **options)

    def to_python(self, value: Any) -> Any:
        """A duration of the policy language, or an empty text. Raises ValidationError."""
        text = super().to_python(value)
        if not text:
            return ""
        match = re.fullmatch(r"([1-9]\d{0,4})\s*([a-z]+)", text.lower())
        if match is None or match[2] not in UNITS:
            raise forms.ValidationError("Write a number and s, min, h or d, such as 15 min.")
        return f"{match[1]}{UNITS[match[2]]}"


def whole(form: forms.Form, field: str, amount: Decimal, currency: str | None) -> int | None:
    """The amount in minor units of the currency, or as a count; an error at `field` where it has too many digits."""
    scaled = amount.scaleb(digits_of(currency) if currency else 0)
    if scaled != scaled.to_integral_value():
        what = (
            f"{currency} has {digits_of(currency)} digits after the point." if currency else "Count in whole numbers."
        )
        form.add_error(field, what)
        return None
    if scaled > MOST:
        form.add_error(field, f"At most {MOST:,} in the smallest unit.")
        return None
    return int(scaled)


def major(amount: int, currency: str | None) -> str:
    """Minor units as people type them: `100.00`."""
    digits = digits_of(currency)
    return f"{Decimal(amount).scaleb(-digits):.{digits}f}"
