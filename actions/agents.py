"""What people change about an agent: its tokens, whom it acts for, its runbook, whether it is let in. `accounts.services` records
each."""

from accounts.access import NotVisible, get_agent_for, require
from accounts.actors import Actor
from accounts.consents.services import end_consent, get_consent_of_agent
from accounts.letting_in import let_in_agent, shut_out_agent
from accounts.models import Agent, AgentCredential, Consent, User
from accounts.permissions import Permission
from accounts.services import issue_agent_token, revoke_agent_token, set_runbook


def issue_token(*, actor: Actor, user: User, agent_id: str, days: int) -> tuple[Agent, str]:
    """A further token, shown this once. Raises AccountRefused, Forbidden or NotVisible."""
    agent = _managed(user, agent_id)
    return agent, issue_agent_token(actor=actor, agent=agent, days=days)


def revoke_token(*, actor: Actor, user: User, agent_id: str, credential_id: str) -> AgentCredential:
    """End one token now. Whoever may pause an agent may do this: it only takes away. Raises Forbidden or NotVisible."""
    agent = get_agent_for(user, agent_id)
    require(user, Permission.AGENT_PAUSE, agent.workspace)
    found = agent.credentials.filter(pk=credential_id).first() if credential_id.isprintable() else None
    if found is None:
        raise NotVisible("agent token")
    revoke_agent_token(actor=actor, credential=found)
    return found


def end_consent_of(*, actor: Actor, user: User, agent_id: str, consent_id: str) -> Consent:
    """End what one person allowed the agent, now, by whoever may pause it. Raises Forbidden or NotVisible."""
    agent = get_agent_for(user, agent_id)
    require(user, Permission.AGENT_PAUSE, agent.workspace)
    found = get_consent_of_agent(agent, consent_id)
    end_consent(actor=actor, consent=found, why="by somebody who may pause the agent")
    return found


def shut_out(*, actor: Actor, user: User, agent_id: str, reason: str) -> Agent:
    """Whoever may pause an agent may do this: it only takes away. Raises AccountRefused, Forbidden or NotVisible."""
    agent = get_agent_for(user, agent_id)
    require(user, Permission.AGENT_PAUSE, agent.workspace)
    shut_out_agent(actor=actor, agent=agent, reason=reason)
    return agent


def let_in(*, actor: Actor, user: User, agent_id: str, reason: str) -> Agent:
    """Only who may issue its tokens may do this. Raises AccountRefused, Forbidden or NotVisible."""
    agent = _managed(user, agent_id)
    let_in_agent(actor=actor, agent=agent, reason=reason)
    return agent


def change_runbook(*, actor: Actor, user: User, agent_id: str, url: str) -> Agent:
    """Raises AccountRefused, Forbidden or NotVisible."""
    agent = _managed(user, agent_id)
    set_runbook(actor=actor, agent=agent, runbook_url=url)
    return agent


def _managed(user: User, agent_id: str) -> Agent:
    agent = get_agent_for(user, agent_id)
    require(user, Permission.AGENT_MANAGE, agent.workspace)
    return agent
