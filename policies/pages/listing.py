"""The list of policies: what is live, what is being drafted, and who runs under each."""

from dataclasses import dataclass

from accounts.models import Agent, User, Workspace
from policies.access import drafts_visible_to, policies_visible_to
from policies.models import Policy, PolicyDraft, PolicyVersion
from policies.pages.sentences import plural


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy of the list."""

    policy: Policy
    live: PolicyVersion | None
    draft: PolicyDraft | None
    draft_text: str
    agents: tuple[str, ...]

    @property
    def agents_text(self) -> str:
        """`3 agents`."""
        return plural(len(self.agents), "agent")


def listing_of(user: User, workspace: Workspace) -> list[PolicyRow]:
    """Every policy this person may see."""
    agents: dict[str, list[str]] = {}
    for slug, name in Agent.objects.filter(workspace=workspace).values_list("policy", "name"):
        agents.setdefault(slug, []).append(name)
    found = policies_visible_to(user, workspace)
    live = {version.policy_id: version for version in PolicyVersion.objects.filter(policy__in=found, is_live=True)}
    drafts = {draft.policy_id: draft for draft in drafts_visible_to(user, workspace).select_related("updated_by")}
    return [
        _row(policy, live.get(policy.pk), drafts.get(policy.pk), tuple(agents.get(policy.slug, ()))) for policy in found
    ]


def _row(policy: Policy, live: PolicyVersion | None, draft: PolicyDraft | None, agents: tuple[str, ...]) -> PolicyRow:
    return PolicyRow(policy, live, draft, _draft_text(draft) if draft else "", agents)


def _draft_text(draft: PolicyDraft) -> str:
    words = {PolicyDraft.State.PROPOSED: "Waiting for a second policy admin", PolicyDraft.State.SCHEDULED: "Scheduled"}
    word = words.get(PolicyDraft.State(draft.state), "Draft")
    return f"{word}, saved by {draft.updated_by.name}"
