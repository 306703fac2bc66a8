"""The audit log under its filters, newest first: pages of 50, and everything for an export."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from accounts.access import require
from accounts.clock import database_now
from accounts.ids import is_id
from accounts.models import User, Workspace
from accounts.permissions import Permission
from traces.audit.acts import IN_TRACES, Act, act_of
from traces.canonical import canonical_text
from traces.models import Entry, Trace, WithheldValue

PAGE = 50
MOST_EXPORTED = 10_000
PERIODS = {"1": "24 hours", "7": "7 days", "30": "30 days", "": "90 days", "all": "All"}
DAYS = {"1": 1, "7": 7, "30": 30, "": 90}
ADDRESS = "network address"
# What was done, by the first word of the entry's type.
FAMILIES = {
    "sign_in": "Sign-in", "step_up": "Step-up", "factor": "Second factors", "recovery_codes": "Recovery codes", "member": "Roles",
    "group": "Approver groups", "person": "People", "delegation": "Delegations", "single_operator": "Single-operator mode",
    "workspace": "Workspaces", "agent": "Agents", "agent_token": "Agent tokens", "agent_client": "Agents’ OAuth clients",
    "person_token": "Tokens to act for people", "consent": "Apps people allowed", "tool": "Tools", "connection": "Connections",
    "policy": "Policies",
    "breaker": "Circuit breakers", "pause": "Pauses", "plan": "Plans", "bulk": "Bulk steps", "action": "Actions",
    "approval": "Approvals", "approval_settings": "Approval settings", "rollback": "Rollbacks", "trace": "Traces",
    "frame_origin": "Embedding", "channel": "Notice channels", "delivery": "Undelivered notices", "egress": "Egress",
    "approval_key": "Approval keys", "signing_key": "Ledger keys", "witness": "Witnesses", "subject": "Erasures",
    "retention": "Retention", "notices": "Dropped notices", "archive": "Archive", "epoch": "Replaced databases",
    "audit": "Audit log", "export": "Exports",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What the log is narrowed to. Unknown values are dropped, so a typed address still shows a page."""

    days: str = ""
    family: str = ""
    who: str = ""
    text: str = ""
    before: int = 0

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> "Filters":
        plain = {name: str(query.get(name, "")).replace("\x00", "").strip()[:80] for name in _NAMES}
        before = plain["before"]
        return cls(
            days=plain["days"] if plain["days"] in PERIODS else "",
            family=plain["did"] if plain["did"] in FAMILIES else "",
            who=plain["who"] if is_id("usr", plain["who"]) else "",
            text=plain["q"],
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0,
        )

    @property
    def active(self) -> dict[str, str]:
        """Filters in force as the address names them, without the period."""
        found = {"did": self.family, "who": self.who, "q": self.text}
        return {name: value for name, value in found.items() if value}

    def url(self, **changes: str) -> str:
        """The query string with some filters changed; an empty value removes one."""
        kept = {**self.active, "days": self.days, **changes}
        return f"?{urlencode({name: value for name, value in kept.items() if value})}"


_NAMES = ("days", "did", "who", "q", "before")


@dataclass(frozen=True, slots=True)
class AuditLog:
    """One page."""

    acts: list[Act]
    filters: Filters
    chips: list[dict[str, Any]]
    next_url: str
    export_query: str
    people: list[User] = field(default_factory=list)


def entries_visible_to(user: User, workspace: Workspace) -> QuerySet[Entry]:
    """Entries of the workspace that are somebody's act. Raises Forbidden or NotVisible."""
    require(user, Permission.AUDIT_VIEW, workspace)
    acts = Q(trace__kind=Trace.Kind.GOVERNANCE) | Q(type__in=IN_TRACES)
    return Entry.objects.filter(acts, trace__workspace=workspace).select_related("trace").order_by("-at", "-pk")


def audit_log(user: User, workspace: Workspace, filters: Filters) -> AuditLog:
    """One page of the log. Raises Forbidden or NotVisible."""
    found = list(_before(_narrowed(entries_visible_to(user, workspace), filters), filters)[: PAGE + 1])
    people = User.objects.filter(memberships__workspace=workspace).distinct().order_by("name")
    return AuditLog(
        acts=list(acts_of(found[:PAGE])),
        filters=filters,
        chips=[
            {"label": word, "href": filters.url(days=key), "current": key == filters.days}
            for key, word in PERIODS.items()
        ],
        next_url=filters.url(before=str(found[PAGE - 1].pk)) if len(found) > PAGE else "",
        export_query=filters.url()[1:],
        people=list(people),
    )


def exported(user: User, workspace: Workspace, filters: Filters) -> tuple[list[Act], bool]:
    """Every line under the filters, and whether there are more than an export takes. Raises Forbidden or NotVisible."""
    found = list(_narrowed(entries_visible_to(user, workspace), filters)[: MOST_EXPORTED + 1])
    return list(acts_of(found[:MOST_EXPORTED])), len(found) > MOST_EXPORTED


def _narrowed(found: QuerySet[Entry], filters: Filters) -> QuerySet[Entry]:
    if filters.days in DAYS:
        found = found.filter(at__gte=database_now() - timedelta(days=DAYS[filters.days]))
    if filters.family:
        found = found.filter(type__startswith=f"{filters.family}.")
    if filters.who:
        # RFC 8785 sorts names, so every entry's text begins with its actor's id.
        found = found.filter(canonical__startswith=f'{{"actor":{{"id":{canonical_text(filters.who)},')
    if filters.text:
        found = found.filter(canonical__icontains=filters.text)
    return found


def _before(found: QuerySet[Entry], filters: Filters) -> QuerySet[Entry]:
    """Older than the last entry of the page before, which an unknown number is not."""
    last = found.filter(pk=filters.before).first() if filters.before else None
    return found.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk)) if last else found


def acts_of(entries: Iterable[Entry]) -> Iterable[Act]:
    """Lines of entries, with the addresses that are still kept; one query for all of them."""
    rows = list(entries)
    kept = WithheldValue.objects.filter(entry__in=rows, kind=ADDRESS).values_list("entry_id", "value")
    addresses = {entry: value.strip('"') for entry, value in kept}
    return [act_of(row, address=addresses.get(row.pk, "")) for row in rows]
