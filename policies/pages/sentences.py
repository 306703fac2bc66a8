"""Rules of a document as sentences people read. Pure: plain values in, words out."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from policies.engine.currencies import money_text

UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day"}
PER = {"action": "per action", "agent": "per agent", "role": "per role", "requester": "per person who asks",
       "workspace": "in the workspace", "tool": "per tool", "connection": "per connection"}  # fmt: skip
EVENTS = {"failures": "failures", "rejections": "rejections", "rollbacks": "rollbacks", "denials": "denials",
          "repeats": "identical calls", "spend": "spent"}  # fmt: skip
CLASSES = {"read": "Read and summarize", "draft": "Draft artifacts", "write": "Write to systems of record",
           "side_effect": "Side effects", "continuous": "Continuous"}  # fmt: skip
DAY_NAMES = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
             "sun": "Sunday"}  # fmt: skip
TIER_WORDS = {"read-only": "Read-only", "draft-only": "Draft-only", "execute-with-approval": "Execute with approval",
              "autonomous": "Autonomous"}  # fmt: skip
STEP_UPS = {"none": "Approvers prove what the workspace asks of everybody.",
            "totp": "Approvers give a code or passkey within the 5 minutes before.",
            "passkey": "Approvers sign each approval with a passkey."}  # fmt: skip
VERDICTS = {"tightens": "Only tightens. Nothing is loosened.", "same": "Nothing changes.", "first": "First version.",
            "mixed": "Mixed: some rules tighten, some loosen.", "loosens": "Loosens."}  # fmt: skip


def money(amount: int, currency: str | None) -> str:
    """`$100.00`, from minor units."""
    return money_text(amount, currency or "")


def span(duration: str) -> str:
    """`1d` as `day`, `15min` as `15 minutes`."""
    number, unit = re.fullmatch(r"(\d+)(\w+)", duration).groups()  # type: ignore[union-attr]  # the schema checked it
    return UNITS[unit] if number == "1" else f"{number} {UNITS[unit]}s"


def length(duration: str) -> str:
    """`1h` as `1 hour`."""
    words = span(duration)
    return words if " " in words else f"1 {words}"


def each(duration: str) -> str:
    """`a day`, `an hour`, `in 15 minutes`."""
    words = span(duration)
    if " " in words:
        return f"in {words}"
    return f"an {words}" if words == "hour" else f"a {words}"


def amount_of(rule: Mapping[str, Any]) -> str:
    """`$5,000.00` or `50 calls`."""
    most = int(rule["max"])
    if rule.get("kind") == "money" or rule.get("on") == "spend":
        return money(most, rule.get("currency"))
    return f"{most:,} {'call' if most == 1 else 'calls'}"


def limit(rule: Mapping[str, Any]) -> str:
    """`$100.00 per action, then approval (refund)`."""
    window = f" {each(rule['window'])}" if "window" in rule else ""
    over = f"then approval ({rule['route']})" if rule["over"] == "approval" else "then denied"
    return f"{amount_of(rule)} {PER[rule['per']]}{window}, {over}"


def breaker(rule: Mapping[str, Any]) -> str:
    """`More than 5 failures per agent in 10 minutes holds its calls until a person resets it`."""
    many = f"{int(rule['max']):,} {EVENTS[rule['on']]}" if rule["on"] != "spend" else f"{amount_of(rule)} spent"
    return f"More than {many} {PER[rule['per']]} {each(rule['window'])} holds calls until a person resets it"


SPOILED = {"rollbacks": "rolled back", "failures": "failed or in doubt", "rejections": "rejected"}


def demotion(rule: Mapping[str, Any]) -> str:
    """`refunds goes down to Draft-only when more than 5 % of an agent's changes each 30 days are rolled back, of 20 or more`."""
    most = f"more than {rule['above']} % of an agent’s changes {each(rule['window'])} are {SPOILED[rule['on']]}"
    return f"{rule['role']} goes down to {TIER_WORDS[rule['to']]} when {most}, of {rule['at_least']:,} or more"


def freeze(rule: Mapping[str, Any]) -> str:
    """`From 24 Dec 2026 18:00 to 2 Jan 2027 06:00 UTC`, or the days and hours of every week."""
    if "from" in rule:
        return f"From {instant(rule['from'])} to {instant(rule['until'])} UTC"
    days = ", ".join(DAY_NAMES[day] for day in rule["days"])
    return f"Every {days}, {rule['start']} to {rule['end']} UTC"


def waiver(rule: Mapping[str, Any]) -> str:
    """`side_effect.break_glass for refunds until 1 Mar 2027 00:00 UTC, by Dana Ortiz`."""
    whose = f"for {rule['role']}" if "role" in rule else "for every role"
    return f"{rule['control']} {whose} until {instant(rule['expires'])} UTC, by {rule['by']}"


def instant(text: str) -> str:
    """`24 Dec 2026 18:00`."""
    return parse(text).strftime("%-d %b %Y %H:%M")


def parse(text: str) -> datetime:
    """An instant of a document, as UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def route(rule: Mapping[str, Any]) -> str:
    """`Support lead, then Finance (2 people) together with Legal`."""
    said = ""
    for step in rule["steps"]:
        said += (" together with " if "with" in step else ", then ") + _step(step)
    return said.removeprefix(", then ")


def _step(step: Mapping[str, Any]) -> str:
    people = int(step.get("quorum", 1))
    return str(step["name"]) if people == 1 else f"{step['name']} ({people} people)"


def route_more(rule: Mapping[str, Any], groups: Mapping[str, str]) -> list[str]:
    """What a route says beside its steps, a sentence each; `groups` is slug -> name."""

    def called(slug: str) -> str:
        return groups.get(slug, f"{slug}, which does not exist")

    told = (
        [f"Reminds after {length(rule['remind'])}, and again each time as much has passed."] if "remind" in rule else []
    )
    for item in rule.get("escalation", ()):
        what = item.get("step", "what still waits")
        told.append(f"After {length(item['after'])} {called(item['to'])} may decide {what} too.")
    if "step_up" in rule:
        told.append(STEP_UPS[rule["step_up"]])
    if "second_above" in rule:
        told.append(f"Above {rule['second_above']} approvals of one person in an hour, each needs a second approver.")
    return told + ([_emergency(rule["break_glass"], called)] if "break_glass" in rule else [])


def _emergency(terms: Mapping[str, Any], called: Callable[[str], str]) -> str:
    within = length(terms.get("review_within", "24h"))
    told = [called(slug) for slug in terms.get("notify", ())]
    also = f" {', '.join(told)} {'is' if len(told) == 1 else 'are'} told." if told else ""
    return (
        f"In an emergency {called(terms['group'])} may run it without the rest, "
        f"and owes a review that {called(terms['review_group'])} confirms within {within}.{also}"
    )


def people_of(rule: Mapping[str, Any]) -> int:
    """How many people decide along a route."""
    return sum(int(step.get("quorum", 1)) for step in rule["steps"])


def when(rule: Mapping[str, Any]) -> str:
    """Which calls a rule is about: `desk.refund.create, by refunds`, or `every call`."""
    data = rule.get("when") or {}
    classes = [CLASSES[name].lower() for name in data.get("effect_classes", ())]
    parts = [*data.get("tools", ()), *(f"{name} records" for name in data.get("resource_types", ())), *classes]
    roles = ", ".join(data.get("roles", ()))
    what = ", ".join(parts) or "every call"
    return f"{what}, by {roles}" if roles else what


def invariant(rule: Mapping[str, Any]) -> str:
    """The sentence of an invariant: its name, else its reason."""
    return str(rule.get("name") or rule["reason"])


def plural(count: int, word: str) -> str:
    """`1 change`, `5 changes`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
