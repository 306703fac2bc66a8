"""Demotes a role when one of its agents breaks a rule of the policy: a new version that only tightens, published by Remit.

INVARIANT: it is published only where the comparison says that nothing loosens, under the policy's lock; the way back up is a
draft that people publish like any other. Held by tests/policies/test_demotions.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from accounts.actors import Actor, system_actor
from accounts.clock import database_now
from accounts.models import Agent
from policies.catalog import facts_of
from policies.documents import PolicyMissing, document_of, live_document
from policies.engine.demotion import breached, demoted, sentence, standing, verdict_on
from policies.engine.parts import Demotion, Document
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.gates import gates
from policies.history import Outcome
from policies.models import DecisionRecord, Policy, PolicyVersion
from policies.versions import Publication, difference, lock_policy, write_version
from traces.models import Entry, Trace
from traces.services import record_governance

# Who publishes a demotion, as versions and the ledger name it.
NAME = "demotion"
PUBLISHER = f"system:{NAME}"
NOT_PUBLISHED = "policy.not_published"
# What the rules count as bad, and of what. Reads change nothing, so they are no part of either.
BAD: Mapping[str, frozenset[str]] = {
    "rollbacks": frozenset({Outcome.ROLLED_BACK}),
    "failures": frozenset({Outcome.FAILED, Outcome.UNKNOWN}),
    "rejections": frozenset({Outcome.REJECTED}),
}
ENDED = frozenset({Outcome.SUCCEEDED, *frozenset[str]().union(*BAD.values())})
# A document's own tests say what the role could do before; they are the one gate that a demotion may leave unmet.
EXPECTED_UNMET = "Tests"


def watch(*, document: Document, record: DecisionRecord, event: str) -> None:
    """After something bad became of an action: see, once that is committed, whether its agent's role is to be demoted.

    In a transaction of its own: publishing waits for the policy's lock, which must not hold up what happened.
    """
    if any(rule.role == record.role and event in BAD[rule.on] for rule in document.demotions):
        transaction.on_commit(lambda: _apart(record), robust=True)


def _apart(record: DecisionRecord) -> None:
    demote(workspace_id=record.workspace_id, slug=record.policy, agent_id=record.agent_id)


def demote(*, workspace_id: str, slug: str, agent_id: str) -> PolicyVersion | None:
    """Publish the live version with an agent's role demoted, if its record breaks a rule and that changes anything.

    What cannot be published is said in the governance chain, once a version, and people are told; then None.
    """
    actor = system_actor(NAME, workspace_id)
    with transaction.atomic():
        policy = lock_policy(Policy.objects.values_list("pk", flat=True).get(workspace=workspace_id, slug=slug))
        document, live = live_document(workspace_id=workspace_id, slug=slug)
        agent = Agent.objects.get(pk=agent_id)
        for rule in document.demotions:
            bad, all_ = counted(rule, agent) if rule.role == agent.role else (0, 0)
            if breached(rule, bad, all_):
                version = _publish(actor, policy, live, rule, sentence(rule, agent.name, bad, all_))
                if version is not None:
                    return version
    return None


def counted(rule: Demotion, agent: Agent) -> tuple[int, int]:
    """`(bad, all)`: an agent's changes that a rule counts, decided in its window under its policy, and their whole number."""
    return counts(rule, agent.workspace_id, agent.policy).get(agent.pk, (0, 0))


def counts(rule: Demotion, workspace_id: str, slug: str) -> dict[str, tuple[int, int]]:
    """Agent id -> what `counted` says, of every agent that acted in the rule's role; those that changed nothing are absent."""
    since = database_now() - timedelta(seconds=rule.window_s)
    found = DecisionRecord.objects.filter(
        workspace=workspace_id, policy=slug, role=rule.role, at__gt=since, outcome__in=ENDED
    )
    bad = Count("pk", filter=Q(outcome__in=BAD[rule.on]))
    rows: Any = found.exclude(effect_class="read").order_by().values("agent_id").annotate(all=Count("pk"), bad=bad)
    return {row["agent_id"]: (row["bad"], row["all"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Terms:
    """What demotes one agent's role: each rule with where the agent stands, and the version that demoted it, if one did.

    `missing` says why there is nothing to demote: no live policy. Empty where there is one.
    """

    standings: list[str]
    demoted_by: PolicyVersion | None = None
    missing: str = ""


def terms(agents: Sequence[Agent], workspace_id: str) -> dict[str, Terms]:
    """Agent id -> its terms, for the scorecards. Each policy is read once and each rule counted once for all its agents."""
    return {
        agent.pk: found
        for slug in {agent.policy for agent in agents}
        for agent, found in _of_policy(slug, [one for one in agents if one.policy == slug], workspace_id)
    }


def _of_policy(slug: str, agents: Sequence[Agent], workspace_id: str) -> Iterator[tuple[Agent, Terms]]:
    try:
        document, live = live_document(workspace_id=workspace_id, slug=slug)
    except (PolicyMissing, PolicyError):
        yield from ((agent, Terms([], missing=f"There is no live policy {slug}.")) for agent in agents)
        return
    found = [(rule, counts(rule, workspace_id, slug)) for rule in document.demotions]
    spoke = {rule.role for rule in document.demotions if live.message.endswith(verdict_on(rule))}
    held = spoke if live.published_by.get("id") == PUBLISHER else set()
    for agent in agents:
        told = [standing(rule, *has.get(agent.pk, (0, 0))) for rule, has in found if rule.role == agent.role]
        yield agent, Terms(told, live if agent.role in held else None)


def _publish(actor: Actor, policy: Policy, live: PolicyVersion, rule: Demotion, why: str) -> PolicyVersion | None:
    """The demoted version, or None: because nothing would change, or because it may not go live."""
    old = document_of(policy, live.source)
    plain = demoted(old.plain, rule.role, rule.to, facts_of(policy.workspace_id))
    if plain == old.plain:
        return None
    source = dump(plain)
    problem = _problem(policy, source)
    if problem:
        _say_once(actor, policy, live, rule, f"{why} It was not published: {problem}")
        return None
    document = document_of(policy, source)
    by = {"kind": actor.kind, "id": actor.id, "name": actor.name}
    publication = Publication(
        source=source, document=document, message=why[:500], published_by=by, how=f"by rule demotions.{rule.id}"
    )
    return write_version(actor=actor, policy=policy, diff=difference(policy, document), publication=publication)


def _problem(policy: Policy, source: str) -> str:
    """Why a text may not go live by itself; "" where it may."""
    unmet = [gate for gate in gates(policy, source, granted=None) if not gate.met and gate.name != EXPECTED_UNMET]
    if unmet:
        return " ".join([unmet[0].sentence, *unmet[0].details[:1]])
    try:
        verdict = difference(policy, document_of(policy, source)).verdict
    except PolicyError as error:
        return str(error)
    return "" if verdict == "tightens" else "It would not only tighten."


def _say_once(actor: Actor, policy: Policy, live: PolicyVersion, rule: Demotion, why: str) -> None:
    """An agent that goes on failing must not fill the chain."""
    said = Entry.objects.filter(
        trace__workspace=policy.workspace_id,
        trace__kind=Trace.Kind.GOVERNANCE,
        type=NOT_PUBLISHED,
        at__gt=live.published_at,
    )
    if any(entry.record["body"].get("rule") == rule.id for entry in said.order_by("-at")[:20]):
        return
    body = {"policy": policy.slug, "rule": rule.id, "version": live.number, "why": why[:500]}
    record_governance(actor=actor, workspace_id=policy.workspace_id, type=NOT_PUBLISHED, body=body)
