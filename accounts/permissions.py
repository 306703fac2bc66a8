"""Every object permission in one enum, and what each role may do (architecture 8). Granted per workspace by guardian."""

from collections.abc import Iterable
from enum import StrEnum

from accounts.scopes import EVERYTHING


class Permission(StrEnum):
    """Values are stored as Django permissions of Workspace and granted per object."""

    HOME_VIEW = "workspace:home:view"
    TRACE_VIEW = "workspace:trace:view"
    TRACE_VIEW_OWN = "workspace:trace:view_own"
    TRACE_EXPORT = "workspace:trace:export"
    TRACE_ROLLBACK = "workspace:trace:rollback"
    APPROVAL_VIEW = "workspace:approval:view"
    APPROVAL_DECIDE = "workspace:approval:decide"
    POLICY_VIEW = "workspace:policy:view"
    POLICY_EDIT = "workspace:policy:edit"
    POLICY_PUBLISH = "workspace:policy:publish"
    AGENT_VIEW = "workspace:agent:view"
    AGENT_MANAGE = "workspace:agent:manage"
    AGENT_PAUSE = "workspace:agent:pause"
    AUDIT_VIEW = "workspace:audit:view"
    MEMBER_MANAGE = "workspace:member:manage"
    REVEAL = "workspace:reveal"
    NOTICE_VIEW = "workspace:notice:view"
    NOTICE_MANAGE = "workspace:notice:manage"


class Role(StrEnum):
    """Who does what in one workspace; a person may have several."""

    OWNER = "owner"
    POLICY_ADMIN = "policy_admin"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    MEMBER = "member"


_P = Permission
_READS = frozenset({_P.HOME_VIEW, _P.TRACE_VIEW, _P.TRACE_EXPORT, _P.APPROVAL_VIEW, _P.POLICY_VIEW, _P.AGENT_VIEW})

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _READS
    | {_P.TRACE_ROLLBACK, _P.AGENT_MANAGE, _P.AGENT_PAUSE, _P.AUDIT_VIEW, _P.MEMBER_MANAGE}
    | {_P.NOTICE_VIEW, _P.NOTICE_MANAGE},
    Role.POLICY_ADMIN: _READS | {_P.POLICY_EDIT, _P.POLICY_PUBLISH},
    Role.REVIEWER: _READS | {_P.APPROVAL_DECIDE, _P.REVEAL},
    Role.OPERATOR: _READS | {_P.TRACE_ROLLBACK, _P.AGENT_PAUSE, _P.REVEAL, _P.NOTICE_VIEW},
    Role.AUDITOR: _READS | {_P.AUDIT_VIEW, _P.REVEAL, _P.NOTICE_VIEW},
    Role.MEMBER: frozenset({_P.HOME_VIEW, _P.TRACE_VIEW_OWN}),
}

# Who may have things changed for them: everybody with a role but the auditor, who reads all and changes nothing.
ACTING = frozenset(Role) - {Role.AUDITOR}


def effects_for(roles: Iterable[str]) -> frozenset[str]:
    """The classes of effect an agent may have for a person of these roles in its workspace; without a role, none."""
    held = frozenset(roles)
    if held & ACTING:
        return EVERYTHING
    return frozenset({"read"}) if Role.AUDITOR in held else frozenset()
