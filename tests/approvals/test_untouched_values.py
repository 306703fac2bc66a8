"""An edit changes what its person typed and nothing else: neither a browser nor an editor does (P3, R-23)."""

import json

import pytest

from actions.definition import Definition
from actions.forms import PREFIX, EditForm

SCHEMA = {"properties": {
    "flag": {"type": ["boolean", "null"]}, "tags": {"type": ["array", "null"], "items": {"type": "string"}},
    "lines": {"type": "array", "items": {"type": "string"}}, "note": {"type": ["string", "null"]},
    "body": {"type": "string"}, "once": {"type": "string"}, "mail": {"type": ["string", "null"], "format": "email"},
    "rate": {"type": ["number", "null"]}, "count": {"type": "integer"}, "mixed": {"enum": [1, "1", None, True]},
    "shape": {"type": "object"}, "any": {},
}}  # fmt: skip
TOOL = Definition({"name": "x.y", "effect_class": "write", "operation": {}, "fields_at": "", "input_schema": SCHEMA})
# What an agent may send and an editor would put otherwise.
AWKWARD = {
    "flag": None, "tags": None, "lines": ["a, b", " c ", "", "d\ne"], "note": "", "body": "One.\r\nTwo.\r\n",
    "once": "a\rb", "mail": None, "rate": 1e-7, "count": 9007199254740991, "mixed": "1",
    "shape": {"b": [1, None, {"c": 0.1}], "a": "\u202e"}, "any": "free",
}  # fmt: skip


def form(data=None, arguments=AWKWARD) -> EditForm:
    return EditForm(data, definition=TOOL, arguments=arguments, editable=sorted(arguments), digest="sha256:aa")


def as_a_browser_sends(made: EditForm, **typed) -> dict:
    """Every editor as it was drawn, line ends as browsers send them, but for what somebody typed."""
    data = {"digest": "sha256:aa"}
    for field in made.visible_fields():
        drawn = field.field.widget.format_value(field.value())
        text = str(drawn[0] if isinstance(drawn, list) else "" if drawn is None else drawn)
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
        data[field.html_name] = typed.get(field.html_name.removeprefix(PREFIX), text)
    return data


def sent(arguments=AWKWARD, **typed) -> dict:
    made = form(as_a_browser_sends(form(arguments=arguments), **typed), arguments)
    assert made.is_valid(), made.errors
    return made.values()


@pytest.mark.parametrize("name", sorted(AWKWARD))
def test_what_nobody_touched_goes_back_as_it_was(name):
    values = sent(note="Somebody typed here.") if name != "note" else sent(body="Somebody typed here.")
    assert json.dumps(values[name]) == json.dumps(AWKWARD[name])


def test_a_field_that_was_not_sent_is_not_emptied():
    made = form(
        {"digest": "sha256:aa", f"{PREFIX}body": "New."}, {name: AWKWARD[name] for name in ("body", "mail", "note")}
    )
    assert made.is_valid(), made.errors
    assert made.values() == {"body": "New.", "mail": None, "note": ""}


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [("flag", "0", True), ("flag", "1", False), ("note", "x", "x"), ("mail", "a@b.example", "a@b.example"),
     ("rate", "0.25", 0.25), ("rate", "", None), ("body", "One.\r\nThree.\r\n", "One.\r\nThree.\r\n"),
     ("tags", "a\r\nb", ["a", "b"]), ("shape", '{"a": [1.5, null]}', {"a": [1.5, None]})],
)  # fmt: skip
def test_what_was_typed_is_read_by_its_type(name, typed, value):
    assert json.dumps(sent(**{name: typed})[name]) == json.dumps(value)


def test_a_null_and_an_empty_text_are_told_apart_when_emptied():
    full = {**AWKWARD, "mail": "a@b.example", "tags": ["a"], "flag": True}
    emptied = sent(full, mail="", tags="", flag="2")
    assert (emptied["mail"], emptied["tags"], emptied["flag"]) == (None, [], None)


def test_choices_of_two_types_do_not_look_the_same():
    labels = [label for _, label in form().fields[f"{PREFIX}mixed"].choices]
    assert labels == ["1", '"1"', "not set", "true"]


def test_r23_what_hides_or_imitates_in_an_editor_is_named_beside_it():
    given = {"body": "Pay ap\u200b@birch.example", "note": "p\u0430ypal", "shape": {"a": ["\u202e"]}, "once": "plain"}
    helps = {name: form(arguments=given).fields[f"{PREFIX}{name}"].help_text for name in given}
    assert "U+200B" in helps["body"] and "\u0430 U+0430" in helps["note"] and "U+202E" in helps["shape"]
    assert helps["once"] == ""
