"""One recorded request under a document: what is counted of the decision, small enough to send from process to process. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from policies.engine.decide import decide
from policies.engine.document import Document
from policies.engine.limits import MOST, amount
from policies.engine.plan import plan_for
from policies.engine.recorded import decoded, ruling, spoken
from policies.engine.types import Check, Decision, Request
from policies.engine.unread import Blind

# A windowed limit that counts this call: whose counter, the window in seconds, what the call adds, and the most there may be.
Window = tuple[str, int, int, int]


class Verdict(NamedTuple):
    """What a document says. `stopped` are the fields that stopped a write, `field` the one its denial names.

    `hangs_on` are the rules that would have to look at a target which was never read; then `effect` is what it would be if
    that target passed them all.
    """

    effect: str
    rule: str
    route: str
    refused: Sequence[str]
    spoken: Sequence[str]
    field: str
    stopped: Sequence[str]
    resource_type: str
    agent: str
    windows: Sequence[Window]
    hangs_on: Sequence[str]


class Judge:
    """Decides recorded requests under one document."""

    def __init__(self, document: Document) -> None:
        self.document, self.blind = document, Blind(document)

    def judge(self, text: str, *, unread: bool, usage: Mapping[str, int] | None = None) -> Verdict:
        """One request with the given usage of its limits; `unread` says that its target was not looked at.

        Raises ValueError for a text that is no recorded request.
        """
        request = decoded(text, usage or {})
        if unread and request.record is None:
            decision, hangs_on = self.blind.decide(request)
            return _verdict(request, decision, self._windows(request), hangs_on)
        return _verdict(request, decide(self.document, request), self._windows(request))

    def _windows(self, request: Request) -> list[Window]:
        """What cannot be compared with its limit is denied already, whatever the counter says."""
        role = self.document.roles.get(request.role)
        rules = plan_for(self.document, role, request.tool, request.at).limits if role else ()
        found = []
        for rule in rules:
            added = amount(rule.limit, request) if rule.key is not None else None
            if rule.key is not None and added is not None and 0 <= added <= MOST:
                found.append((rule.key(request), rule.limit.window_s, added, rule.limit.max))
        return found


def _verdict(request: Request, decision: Decision, windows: Sequence[Window], hangs_on: Sequence[str] = ()) -> Verdict:
    denied = [check for check in decision.checks if check.outcome == "denied"]
    stopper = denied[0] if denied else None
    return Verdict(
        effect=decision.effect,
        rule=ruling(decision),
        route=decision.route.name if decision.route else "",
        refused=decision.refused_fields,
        spoken=list(dict.fromkeys(rule for rule, _ in spoken(decision))),
        field=(stopper.field or "") if stopper else "",
        stopped=_stopped(denied),
        resource_type=request.tool.resource_type,
        agent=str(request.agent.get("name", "")),
        windows=windows,
        hangs_on=hangs_on,
    )


def _stopped(denied: Sequence[Check]) -> list[str]:
    if not denied or not denied[0].field:
        return []
    return [check.field for check in denied if check.field]
