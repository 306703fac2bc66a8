"""What the page of a connection's offers shows, and what an admin says on it. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django import forms

from actions.models import Connection, Listing, Tool
from actions.offers import Choice, Offer
from actions.openapi.looks import own_look
from actions.tool_page import CLASSES, UNDO_WORDS
from actions.tool_versions import blocked_names

STANDS = {
    "blocked": ("overdue", "Blocked: changed"),
    "in_force": ("allowed", "In force"), "problem": ("cant_undo", "Can’t be imported"),
    "new": ("skipped", "Not imported"),
}  # fmt: skip


UNREAD = "Nowhere: no difference is shown, and nothing is read back"


class OfferForm(forms.Form):
    """What an admin says of one offer. The first choice is the most cautious one."""

    pick = forms.BooleanField(required=False)
    effect_class = forms.ChoiceField(label="What it does")
    reversibility = forms.ChoiceField(
        label="Can it be undone?",
        choices=[(key, UNDO_WORDS[key]) for key in ("irreversible", "compensable", "reversible")],
    )
    dry_run = forms.CharField(
        label="Dry run", required=False, max_length=128,
        help_text="Its yes-or-no argument, or another tool of the server, that says what it would do. Shown to reviewers.",
    )  # fmt: skip
    look = forms.ChoiceField(
        label="Where its record is read", required=False,
        help_text="Read before anybody decides, for the difference and the version, and again after it ran. Choose one only "
        "if it shows the very record that is changed.",
    )  # fmt: skip
    error_is_no_effect = forms.BooleanField(
        label="When it answers with an error, nothing happened. Unticked, an error of an effect is found out by people.",
        required=False,
    )

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = offer.only or ("side_effect", "write", "draft", "continuous", "read")
        self.fields["effect_class"].choices = [(key, CLASSES[key]) for key in allowed]  # type: ignore[attr-defined]
        self.fields["pick"].label = f"Import as {offer.name}"
        if "mcp" not in offer.operation:
            del self.fields["dry_run"], self.fields["error_is_no_effect"]
        self.fields["look"].choices = [("", UNREAD), *((key, key) for key in offer.looks)]  # type: ignore[attr-defined]
        if not offer.looks:
            del self.fields["look"]

    def choice(self) -> Choice:
        """Only after `is_valid()`. There is nothing to undo about what only reads."""
        said = self.cleaned_data
        reads = said["effect_class"] == "read"
        return Choice(
            said["effect_class"], "reversible" if reads else said["reversibility"],
            bool(said.get("error_is_no_effect")) and not reads, said.get("dry_run", ""), said.get("look", ""),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One offer with its form; `form` is None where it can't be imported."""

    offer: Offer
    form: OfferForm | None
    tool: Tool | None
    status: str
    word: str
    schema: str
    words: str


def rows_of(listing: Listing, data: Mapping[str, Any] | None = None) -> list[OfferRow]:
    """Every offer of a listing, forms filled with what was said before, or with `data`."""
    connection: Connection = listing.connection
    tools = {tool.name: tool for tool in Tool.objects.filter(connection=connection).select_related("connection")}
    blocked = blocked_names(connection.workspace)
    return [
        _row(at, offer, tools.get(offer.name), offer.name in blocked, data) for at, offer in enumerate(listing.offers)
    ]


def _row(at: int, offer: Offer, tool: Tool | None, blocked: bool, data: Mapping[str, Any] | None) -> OfferRow:
    form = None if offer.problem else OfferForm(data, prefix=f"t{at}", offer=offer, initial=_said(offer, tool))
    stand = "problem" if offer.problem else "blocked" if blocked else "in_force" if tool else "new"
    server = (offer.operation.get("mcp") or {}).get("server") or {}
    said = str(server.get("description") or offer.description)
    schema = orjson.dumps(server.get("inputSchema") or offer.input_schema, option=orjson.OPT_INDENT_2).decode()
    return OfferRow(offer, form, tool, *STANDS[stand], schema, said)


def _said(offer: Offer, tool: Tool | None) -> dict[str, Any]:
    """What an admin said the last time; the most cautious words of a tool nobody has said anything about."""
    if tool is None:
        look = own_look(offer)
        return {
            "effect_class": "side_effect",
            "reversibility": "irreversible",
            "look": look if look in offer.looks else "",
        }
    definition = tool.definition
    call = definition["operation"].get("mcp") or {}
    dry_run = call.get("dry_run") or {}
    return {
        "effect_class": definition["effect_class"], "reversibility": definition["reversibility"],
        "error_is_no_effect": call.get("error_means") == "no_effect",
        "dry_run": dry_run.get("argument") or dry_run.get("tool", ""),
        "look": (definition["operation"].get("openapi") or {}).get("look", {}).get("key", ""),
    }  # fmt: skip


def choices_of(rows: list[OfferRow]) -> tuple[dict[str, Choice], list[OfferForm]]:
    """What was ticked, by key; and the forms among them that cannot be used."""
    ticked = [row for row in rows if row.form is not None and row.form.is_valid() and row.form.cleaned_data["pick"]]
    bad = [
        row.form
        for row in rows
        if row.form is not None and row.form.data.get(f"{row.form.prefix}-pick") and row.form.errors
    ]
    return {row.offer.key: row.form.choice() for row in ticked if row.form is not None}, bad
