"""A form field for each value a person may edit, made from the tool's own schema: typed values in, typed values out.

Must not decide what may be edited or what is allowed: `actions.display` says the first, policy the second.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from accounts.display.plain import disguised
from accounts.display.structure import as_json
from actions.definition import Definition
from traces.canonical import canonical_text, strict_loads

AMOUNT = re.compile(r"-?([0-9]{1,3}(,[0-9]{3})+|[0-9]{1,16})(\.[0-9]{1,4})?")

_LONG = 120
Schema = Mapping[str, Any]


class WholeField(forms.IntegerField):
    """An integer that JSON and the ledger carry exactly: at most 2^53 - 1 (RFC 7493)."""

    def __init__(self, **options: Any) -> None:
        options["max_value"] = min(options.get("max_value") or 2**53 - 1, 2**53 - 1)
        super().__init__(**options)


class AmountField(forms.CharField):
    """Money as people write it, `240.00`; gives the integer of minor units that the tool takes."""

    def __init__(self, *, digits: int, currency: str, **options: Any) -> None:
        self.digits = digits
        super().__init__(max_length=24, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **options)
        # Not the schema's description: that is of minor units, which nobody types here.
        self.help_text = f"In {currency}, with at most {digits} digits after the point."

    def prepare_value(self, value: Any) -> Any:
        """Minor units as text; what a person typed stays as typed."""
        return f"{Decimal(value).scaleb(-self.digits):.{self.digits}f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> int:
        """Minor units. Raises ValidationError."""
        text = super().clean(value).strip()
        # Commas only where thousands have them: `240,00` is not twenty-four thousand.
        if not AMOUNT.fullmatch(text):
            raise forms.ValidationError("Write an amount such as 1,240.00, with a point before the minor units.")
        minor = Decimal(text.replace(",", "")).scaleb(self.digits)
        if minor != minor.to_integral_value() or abs(minor) > 2**53 - 1:
            raise forms.ValidationError(
                f"Write an amount such as 240.00, at most {self.digits} digits after the point."
            )
        return int(minor)


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def prepare_value(self, value: Any) -> Any:
        """The list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """The lines that are not empty. Raises ValidationError."""
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


class TextField(forms.CharField):
    """A text kept as typed, with the line ends that it had: browsers send their own."""

    def __init__(self, *, nullable: bool, value: Any, **options: Any) -> None:
        self.nullable = nullable
        had = value if isinstance(value, str) else ""
        self.end = "\r\n" if had.count("\r\n") == had.count("\n") > 0 else "\n"
        super().__init__(strip=False, **options)

    def clean(self, value: Any) -> str | None:
        """The text; empty means nothing where the tool takes null. Raises ValidationError."""
        text = str(super().clean(value)).replace("\r\n", "\n").replace("\n", self.end)
        return None if self.nullable and not text else text


class _Typed(str):
    """What a person typed as JSON, which a value that is a text is not."""


class JsonField(forms.CharField):
    """A structured value as JSON, for what has no editor of its own."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was sent, told apart from a value."""
        return _Typed("" if data is None else data)

    def prepare_value(self, value: Any) -> Any:
        """The value as JSON; what a person typed stays as typed."""
        return value if isinstance(value, _Typed) else as_json(value)

    def clean(self, value: Any) -> Any:
        """The value. A name that stands twice, or a number JSON does not know, is refused (R-30)."""
        try:
            found = strict_loads(super().clean(value))
            # What the ledger cannot carry exactly is no value: infinities, integers over 2^53 - 1, lone surrogates.
            canonical_text({"value": found})
            return found
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {str(error).rstrip('.')}.") from error


def editor(name: str, definition: Definition, arguments: Mapping[str, Any]) -> forms.Field:
    """The field that edits one value of these arguments."""
    schema, value = schema_of(name, definition), definition.fields(arguments).get(name)
    # A field shows what is typed as its letters look, so what hides or imitates in it is named beside it.
    told = " ".join(filter(None, (str(schema.get("description", "")), _warning(value))))
    given: dict[str, Any] = {"label": name, "help_text": told, "required": False}
    money = definition.data.get("money") or {}
    amount = definition.money(arguments)
    if amount and money["amount"] == name:
        return AmountField(digits=amount[2], currency=amount[1], **{**given, "required": True})
    if "enum" in schema:
        return _choice(list(schema["enum"]), given)
    return _typed(schema, value, given)


def _warning(value: Any) -> str:
    found = disguised(value if isinstance(value, str) else as_json(value))
    return f"Holds characters that are not seen or look like others: {', '.join(found)}." if found else ""


def schema_of(name: str, definition: Definition) -> Schema:
    """What the tool's schema says of one field; empty where it says nothing."""
    properties: Mapping[str, Any] = definition.input_schema.get("properties", {})
    place = definition.data.get("fields_at", "")
    if place:
        properties = (properties.get(place) or {}).get("properties", {})
    return properties.get(name) or {}


def _choice(values: list[Any], given: Mapping[str, Any]) -> forms.Field:
    known = {str(number): value for number, value in enumerate(values)}
    field = forms.TypedChoiceField(
        choices=[(key, _label(value, values)) for key, value in known.items()],
        coerce=lambda key: known[key], **{**given, "required": True},
    )  # fmt: skip
    # A value is drawn as its place in the list, so that 1 and "1" stay what they are.
    field.prepare_value = lambda value: next(  # type: ignore[method-assign]
        (key for key, one in known.items() if type(one) is type(value) and one == value), value
    )
    return field


def _label(value: Any, values: list[Any]) -> str:
    """A choice as people read it; texts in quotes where 1 and "1" stand beside each other."""
    if value is None:
        return "not set"
    alone = isinstance(value, str) and all(isinstance(one, str) or one is None for one in values)
    return str(value) if alone else json.dumps(value, ensure_ascii=False)


def _typed(schema: Schema, value: Any, given: Mapping[str, Any]) -> forms.Field:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    nullable = "null" in kinds
    kinds = [kind for kind in kinds if kind != "null"]
    needed = {**given, "required": not nullable}
    if kinds == ["integer"]:
        return WholeField(min_value=schema.get("minimum"), max_value=schema.get("maximum"), **needed)
    if kinds == ["number"]:
        return forms.FloatField(min_value=schema.get("minimum"), max_value=schema.get("maximum"), **needed)
    if kinds == ["boolean"]:
        return _choice([True, False, None] if nullable else [True, False], given)
    if kinds == ["string"]:
        return _text(schema, value, nullable, given)
    if kinds == ["array"] and (schema.get("items") or {}).get("type") == "string" and _one_a_line(value):
        return LinesField(widget=forms.Textarea(attrs={"rows": 4}), **{**given, "help_text": _lines(given)})
    return JsonField(widget=forms.Textarea(attrs={"rows": 8}), **needed)


def _one_a_line(value: Any) -> bool:
    """Whether lines say exactly this list: no text of several lines, none that is empty or begins or ends with a space."""
    return all(text and text.strip() == text and len(text.splitlines()) == 1 for text in value or ())


def _lines(given: Mapping[str, Any]) -> str:
    return f"{given['help_text']} One a line.".strip()


def _text(schema: Schema, value: Any, nullable: bool, given: Mapping[str, Any]) -> forms.Field:
    longest = schema.get("maxLength")
    if schema.get("format") == "email":
        none = None if nullable else ""
        return forms.EmailField(max_length=longest or 254, empty_value=none, **{**given, "required": not nullable})
    lines = isinstance(value, str) and (any(end in value for end in "\n\r") or len(value) > _LONG)
    widget = forms.Textarea(attrs={"rows": 10}) if lines or (longest or 0) > 2000 else forms.TextInput()
    return TextField(nullable=nullable, value=value, max_length=longest, widget=widget, **given)
