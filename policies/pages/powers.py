"""What a document lets each role do with each tool, in words. Its routes are read once, however many cells are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies.engine.endings import course
from policies.engine.plain import default_route, people, routes_of
from policies.pages.sentences import instant

WORDS = {"off": "Off", "read": "Read", "draft": "Draft", "approval": "Approval", "auto": "Auto"}


@dataclass(frozen=True, slots=True)
class Power:
    """What a role may do with a tool: `level` is the glyph, `word` what stands beside it.

    `end` says when it ends, or that a rule that asked less did.
    """

    level: str
    word: str
    by_tier: bool
    route: str
    end: str = ""

    @property
    def said(self) -> str:
        """The word with its end: `Auto until 21 Dec 2026 08:00 UTC`."""
        return f"{self.word} {self.end}" if self.end else self.word


_OFF = Power("off", WORDS["off"], False, "")


class Powers:
    """One document at an instant."""

    def __init__(self, plain: Mapping[str, Any], at: datetime) -> None:
        self.roles, self.at, self.routes = plain["roles"], at, routes_of(plain)
        self.default = default_route(self.routes)

    @property
    def default_name(self) -> str:
        """The route a key that asks for approval takes where the cell has none."""
        return self.default.name if self.default else ""

    def of(self, role: str, tool: str, effect_class: str) -> Power:
        """What the document lets a role do with a tool. A tool that is not listed is off."""
        data = self.roles.get(role)
        rule = data["tools"].get(tool) if data else None
        return _OFF if data is None or rule is None else self._listed(data, tool, rule, effect_class)

    def by_tier(self, role: str, tool: str, effect_class: str) -> Power:
        """What the role's tier alone would say of a tool."""
        return self._listed({**self.roles[role], "tools": {tool: {}}}, tool, {}, effect_class)

    def _listed(self, data: Mapping[str, Any], tool: str, rule: Mapping[str, Any], effect_class: str) -> Power:
        over_time = course(data, tool, effect_class)
        mode, by_tier, end = over_time.at(self.at), "mode" not in rule, self._end(rule, over_time.until)
        if mode == "approval":
            return self._approval(rule, by_tier, end)
        if mode == "auto" and by_tier and effect_class == "read":
            return Power("read", WORDS["read"], True, "")
        return Power(mode, WORDS[mode], by_tier, "", end)

    def _end(self, rule: Mapping[str, Any], until: datetime | None) -> str:
        if until is None:
            return ""
        return f"until {instant(rule['until'])} UTC" if self.at < until else f"since {instant(rule['until'])} UTC"

    def _approval(self, rule: Mapping[str, Any], by_tier: bool, end: str) -> Power:
        route = self.routes.get(rule.get("route", "")) or self.default
        count = people(route) if route else 1
        word = f"{WORDS['approval']} ×{count}" if count > 1 else WORDS["approval"]
        return Power("approval", word, by_tier, route.name if route else "", end)
