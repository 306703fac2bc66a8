"""Waivers that ended while their version is live: the control they stood for is missing from then on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Workspace
from policies.catalog import tools_of
from policies.documents import parsed
from policies.engine.diff.words import title
from policies.engine.problems import PolicyError
from policies.engine.shipgate import Control, assess
from policies.models import Policy, PolicyVersion


@dataclass(frozen=True, slots=True)
class Lapse:
    """A control that a role of the live version lacks since its waiver ended. Calls go on: only publishing asks for it."""

    policy: Policy
    role: str
    control: Control

    @property
    def sentence(self) -> str:
        """What ended and what is missing since."""
        waiver = self.control.expired[-1]
        return f"Waiver {waiver['id']} of {self.policy.name} ended: {title(self.role)} lacks {self.control.name}"

    @property
    def ended(self) -> str:
        """The instant it ended, as the document says it."""
        return str(self.control.expired[-1]["expires"])


def _plain(version: PolicyVersion) -> Mapping[str, Any]:
    """Empty where it loads no more: then it denies everything, and says so at every call."""
    try:
        return parsed(version.digest, version.source).plain
    except PolicyError:
        return {}


def lapses(workspace: Workspace, *, at: datetime) -> Iterator[Lapse]:
    """Every control of a live version that nothing stands for any more, though a waiver once did."""
    live = PolicyVersion.objects.filter(policy__workspace=workspace, is_live=True).select_related("policy")
    waived = [(one.policy, plain) for one in live.order_by("policy__name") if (plain := _plain(one)).get("waivers")]
    tools = {name: entry.facts for name, entry in tools_of(workspace.pk).items()} if waived else {}
    for policy, plain in waived:
        for gate in assess(plain, tools, at=at):
            found = (control for row in gate.rows for control in row.missing if control.expired)
            yield from (Lapse(policy, gate.role, control) for control in found)
