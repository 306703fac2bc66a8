"""Forms of rules that stand in lists: invariants, limits, freezes, breakers. Each reads a rule and gives one back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from policies.engine.schema import BREAKER_EVENTS
from policies.engine.types import EFFECT_CLASSES
from policies.forms.amounts import MoneyField, SpanField, major, whole
from policies.forms.cells import name_field
from policies.forms.seen import SeenForm, choices
from policies.pages import sentences

Rule = dict[str, Any]
WHEN = {"roles": "Roles", "tools": "Tools", "resource_types": "Record types", "effect_classes": "Kinds of effect"}


@dataclass(frozen=True, slots=True)
class Known:
    """What the pickers offer: names of this document and of the workspace's tools."""

    roles: tuple[str, ...]
    tools: tuple[str, ...]
    resource_types: tuple[str, ...]
    routes: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]

    def options(self, part: str, chosen: Iterable[str]) -> list[tuple[str, str]]:
        """Choices for one part of `when`; what a rule names already stays on offer."""
        if part == "effect_classes":
            return [(name, sentences.CLASSES[name]) for name in EFFECT_CLASSES]
        return choices(sorted({*getattr(self, part), *chosen}))


class RuleForm(SeenForm):
    """A rule with an id, a name and the calls it is about, if it is about calls. `rule()` is what the document gets."""

    section = ""
    about_calls = True
    id = name_field("Id", help_text="Decisions and the ledger name the rule by it.")
    name = forms.CharField(required=False, max_length=500, strip=True, label="Name")

    def __init__(
        self, data: Any = None, *, known: Known, rule: Mapping[str, Any] | None = None, initial: Mapping[str, Any]
    ) -> None:
        super().__init__(data, initial={**(self.read(rule) if rule else {}), **initial})
        chosen = (rule or {}).get("when") or {}
        for part, label in WHEN.items() if self.about_calls else ():
            self.fields[f"when_{part}"] = forms.MultipleChoiceField(
                required=False, label=label, choices=known.options(part, chosen.get(part, ())),
                initial=chosen.get(part, []), widget=forms.CheckboxSelectMultiple,
            )  # fmt: skip

    def whens(self) -> list[forms.BoundField]:
        """The pickers of covered calls, to draw."""
        return [self[f"when_{part}"] for part in WHEN if self.about_calls]

    def read(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """A rule as form values."""
        return {"id": rule["id"], "name": rule.get("name", "")}

    def rule(self) -> Rule:
        """The rule the form says. Only after `is_valid()`."""
        data = self.cleaned_data
        named = {"id": data["id"], **({"name": data["name"]} if data["name"] else {})}
        if not self.about_calls:
            return named
        return named | {"when": {part: data[f"when_{part}"] for part in WHEN if data[f"when_{part}"]}}


class InvariantForm(RuleForm):
    """A rule no approval overrides."""

    section = "invariants"
    kind = forms.ChoiceField(
        choices=[("require", "Only where this holds"), ("forbid", "Never where this holds")], label="The call may run"
    )
    expression = forms.CharField(
        max_length=2000, strip=True, label="Condition (CEL)",
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text="May look at args, fields, record, agent, requester, tool, money and recipients.",
    )  # fmt: skip
    reason = forms.CharField(max_length=500, strip=True, label="What the agent reads when it is refused")
    remedy = forms.CharField(required=False, max_length=500, strip=True, label="What it can do instead")
    field_order = ["name", "kind", "expression", "reason", "remedy", "id"]

    def read(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """See `RuleForm.read`."""
        kind = "forbid" if "forbid" in rule else "require"
        kept = {"kind": kind, "expression": rule[kind], "reason": rule["reason"], "remedy": rule.get("remedy", "")}
        return super().read(rule) | kept

    def rule(self) -> Rule:
        """See `RuleForm.rule`."""
        data = self.cleaned_data
        remedy = {"remedy": data["remedy"]} if data["remedy"] else {}
        return super().rule() | {data["kind"]: data["expression"], "reason": data["reason"], **remedy}


STARTS: dict[str, tuple[str, dict[str, str]]] = {
    "domains": ("Never email outside a domain", {
        "id": "mail.domains", "name": "Never email outside customer domains", "kind": "require",
        "expression": 'recipients.all(x, x.endsWith("@customer.example"))',
        "reason": "The recipient isn't at a customer domain. Nothing was sent.",
        "remedy": "Write to an address at a customer domain.",
    }),
    "amount": ("Never more than an amount", {
        "id": "money.most", "name": "Never more than $1,000.00 at once", "kind": "forbid",
        "expression": 'money != null && (money.currency != "USD" || money.amount > 100000)',
        "reason": "The amount is larger than is ever allowed.", "remedy": "Ask for less.",
    }),
    "records": ("Never touch some records", {
        "id": "records.closed", "name": "Never touch closed records", "kind": "forbid",
        "expression": 'record != null && has(record.status) && record.status == "closed"',
        "reason": "The record is closed. It was not touched.", "remedy": "Ask a person to open it again.",
    }),
}  # fmt: skip


class LimitForm(RuleForm):
    """A number, a unit and a window. Money is typed in major units."""

    section = "limits"
    kind = forms.ChoiceField(choices=[("money", "money"), ("count", "actions"), ("rate", "calls")], label="Of")
    max = MoneyField(label="At most")
    currency = forms.RegexField(regex="^[A-Z]{3}$", required=False, label="Currency", max_length=3)
    per = forms.ChoiceField(choices=list(sentences.PER.items())[:5], label="Counted")
    window = SpanField(
        required=False, label="Within", help_text="Such as 1 d, 12 h or 15 min. A limit per action has none."
    )
    over = forms.ChoiceField(choices=[("approval", "needs approval"), ("deny", "is denied")], label="What is over it")
    route = forms.ChoiceField(required=False, label="Approval steps")
    field_order = ["name", "max", "kind", "currency", "per", "window", "over", "route", "id"]

    def __init__(self, data: Any = None, *, known: Known, **kwargs: Any) -> None:
        super().__init__(data, known=known, **kwargs)
        self.fields["route"].choices = choices(known.routes, "None")  # type: ignore[attr-defined]

    def read(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """See `RuleForm.read`."""
        kept = {name: rule.get(name, "") for name in ("kind", "currency", "per", "window", "over", "route")}
        shown = major(rule["max"], rule.get("currency")) if rule["kind"] == "money" else str(rule["max"])
        return super().read(rule) | kept | {"max": shown}

    def clean(self) -> dict[str, Any]:
        """What belongs together: money and its currency, approval and its route, a window and what is counted in it."""
        data = super().clean() or {}
        money, per = data.get("kind") == "money", data.get("per")
        self._amount(data, money=money)
        if per == "action" and data.get("window"):
            self.add_error("window", "A limit per action has no window. Leave it empty.")
        if per not in (None, "action") and not data.get("window"):
            self.add_error("window", "Say in which time it is counted, such as 1 d.")
        if data.get("over") == "approval" and not data.get("route"):
            self.add_error("route", "Choose who approves.")
        return data

    def _amount(self, data: dict[str, Any], *, money: bool) -> None:
        if money and not data.get("currency"):
            self.add_error("currency", "Money needs a currency, such as USD.")
        elif data.get("max") is not None:
            data["amount"] = whole(self, "max", data["max"], data["currency"] if money else None)

    def rule(self) -> Rule:
        """See `RuleForm.rule`."""
        data = self.cleaned_data
        found = super().rule() | {"kind": data["kind"], "per": data["per"], "max": data["amount"], "over": data["over"]}
        if data["kind"] == "money":
            found["currency"] = data["currency"]
        if data["window"]:
            found["window"] = data["window"]
        if data["over"] == "approval":
            found["route"] = data["route"]
        return found


class BreakerForm(RuleForm):
    """What trips a breaker: more than so many of something in a window."""

    section = "breakers"
    on = forms.ChoiceField(choices=[(name, sentences.EVENTS[name]) for name in BREAKER_EVENTS], label="Of")
    max = MoneyField(label="More than")
    currency = forms.RegexField(regex="^[A-Z]{3}$", required=False, label="Currency", max_length=3)
    per = forms.ChoiceField(
        choices=[(name, sentences.PER[name]) for name in ("agent", "tool", "connection", "workspace")], label="Counted"
    )
    window = SpanField(label="Within", help_text="Such as 1 d, 12 h or 15 min.")
    field_order = ["name", "max", "on", "currency", "per", "window", "id"]

    def read(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """See `RuleForm.read`."""
        kept = {name: rule.get(name, "") for name in ("on", "currency", "per", "window")}
        shown = major(rule["max"], rule.get("currency")) if rule["on"] == "spend" else str(rule["max"])
        return super().read(rule) | kept | {"max": shown}

    def clean(self) -> dict[str, Any]:
        """Spend needs a currency; everything else is counted."""
        data = super().clean() or {}
        spend = data.get("on") == "spend"
        if spend and not data.get("currency"):
            self.add_error("currency", "Money needs a currency, such as USD.")
        elif data.get("max") is not None:
            data["amount"] = whole(self, "max", data["max"], data["currency"] if spend else None)
        return data

    def rule(self) -> Rule:
        """See `RuleForm.rule`."""
        data = self.cleaned_data
        currency = {"currency": data["currency"]} if data["on"] == "spend" else {}
        rest = {"on": data["on"], "per": data["per"], "max": data["amount"], "window": data["window"]}
        return super().rule() | rest | currency
