"""What every page of one policy starts from: the version in force, the open draft, and what this person may do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.permissions import Permission
from policies.access import get_policy_for, open_draft_of
from policies.catalog import ToolEntry, tools_of
from policies.documents import live_version, still_read
from policies.engine.diff import Diff, compare
from policies.engine.document import load
from policies.engine.problems import PolicyError
from policies.models import Policy, PolicyDraft, PolicyVersion

EMPTY: Mapping[str, Any] = {"policy": {}, "roles": {}}


@dataclass(frozen=True, slots=True)
class Place:
    """One policy as one person sees it. `plain` is the draft's document, or the live one where there is no draft that loads."""

    policy: Policy
    live: PolicyVersion | None
    draft: PolicyDraft | None
    plain: Mapping[str, Any]
    base: Mapping[str, Any]
    diff: Diff | None
    tools: Mapping[str, ToolEntry]
    may_edit: bool
    may_publish: bool
    # When the page was asked for: a rule that ends is shown as it stands then.
    at: datetime
    # What of the draft and of the live version this release does not read any more, as sentences with line, path and remedy.
    unread: tuple[str, ...] = ()
    reads_draft: bool = True

    @property
    def editing(self) -> bool:
        """Whether forms are shown: there is a draft that loads and this person may edit it."""
        return self.may_edit and self.draft is not None and self.reads_draft

    @property
    def revision(self) -> int:
        """The draft's revision, 0 without a draft: what every form carries."""
        return self.draft.revision if self.draft else 0

    @property
    def next_number(self) -> int:
        """The number the draft gets when it is published."""
        newest = self.policy.versions.order_by("-number").first()
        return newest.number + 1 if newest else 1

    @property
    def roles(self) -> Mapping[str, Any]:
        """The roles shown."""
        return self.plain["roles"]  # type: ignore[no-any-return]

    def noun(self, resource_type: str) -> str:
        """What people call a record of a type; the type itself where no tool names one."""
        found = (entry.noun for entry in self.tools.values() if entry.facts.resource_type == resource_type)
        return next((noun for noun in found if noun), resource_type)

    def effect_class(self, tool: str) -> str:
        """What a tool does; empty where the workspace has no such tool."""
        entry = self.tools.get(tool)
        return entry.facts.effect_class if entry else ""

    @property
    def every_tool(self) -> list[str]:
        """Tools of the workspace and of the document, by name."""
        return sorted({tool for data in self.roles.values() for tool in data["tools"]} | set(self.tools))

    @property
    def resource_types(self) -> list[str]:
        """Types the tools and the document speak of."""
        known = {entry.facts.resource_type for entry in self.tools.values()}
        for role in self.roles.values():
            known |= set(role.get("fields", {})) | set(role.get("scopes", {}))
        return sorted(known | set(self.plain.get("redact", {})))


def place_of(user: User, workspace: Workspace, slug: str) -> Place:
    """Raises NotVisible."""
    policy = get_policy_for(user, workspace, slug)
    live, draft, tools = live_version(policy), open_draft_of(policy), tools_of(workspace.pk)
    base_version = draft.base if draft else live
    before, drafted = still_read(base_version) if base_version else None, still_read(draft) if draft else None
    base = before.plain if before else EMPTY
    plain = drafted.plain if drafted else base
    facts = {name: entry.facts for name, entry in tools.items()}
    return Place(
        policy=policy,
        live=live,
        draft=draft,
        plain=plain,
        base=base,
        diff=compare(base if before else None, plain, facts) if drafted else None,
        tools=tools,
        may_edit=has_permission(user, Permission.POLICY_EDIT, workspace),
        may_publish=has_permission(user, Permission.POLICY_PUBLISH, workspace),
        at=database_now(),
        unread=tuple(_unread(live, draft)),
        reads_draft=draft is None or drafted is not None,
    )


def _unread(live: PolicyVersion | None, draft: PolicyDraft | None) -> Iterator[str]:
    """A release may read more strictly than the one that took a text: then its pages say so, and how to go on."""
    for kept, words in (
        (
            live,
            f"v{live.number if live else ''} does not load any more, so every call is denied. Publish a mended text.",
        ),
        (draft, "This draft does not load any more. Mend its text under Document, or discard it."),
    ):
        if kept is not None and still_read(kept) is None:
            yield f"{words} {_problems(kept.source)}"


def _problems(source: str) -> str:
    try:
        load(source)
    except PolicyError as error:
        return str(error)
    return ""
