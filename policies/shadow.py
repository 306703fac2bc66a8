"""A document that runs beside the live one and decides nothing: starting, stopping, and what it would have decided otherwise."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.access import NotVisible, require
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from accounts.permissions import Permission
from accounts.questions import Question
from policies.catalog import tools_of
from policies.documents import document_of, parsed
from policies.drafts import check_length
from policies.engine.celtypes import type_problems
from policies.engine.document import Document
from policies.engine.problems import PolicyError
from policies.engine.yaml_source import placing
from policies.models import DecisionRecord, Policy, ShadowVersion
from policies.refusals import PolicyRefused
from policies.versions import lock_policy, person
from traces.services import record_governance

logger = logging.getLogger("remit.policies")
SAMPLES = 5
_GROUP = ("effect", "shadow_effect", "rule", "shadow_rule")


@dataclass(frozen=True, slots=True)
class Difference:
    """Decisions the shadow would have made otherwise in one way. `rule` decided; `shadow_rule` would have."""

    effect: str
    shadow_effect: str
    rule: str
    shadow_rule: str
    count: int
    action_ids: tuple[str, ...]


def start_shadow(*, actor: Actor, user: User, policy: Policy, source: str, name: str) -> ShadowVersion:
    """Run a document in a policy's shadow. Raises PolicyRefused while another runs, PolicyError, Forbidden or NotVisible."""
    _require_edit(actor, user, policy)
    with transaction.atomic():
        policy = lock_policy(policy.pk)
        running = _running(policy)
        if running is not None:
            raise PolicyRefused("shadow", f"{running.name} runs in the shadow already. Stop it first.")
        document = _checked(policy, source)
        shadow = ShadowVersion.objects.create(
            policy=policy, source=source, digest=document.digest, name=_name(name), started_by=person(user),
            started_at=database_now(),
        )  # fmt: skip
        _record(actor, shadow, "policy.shadow_started")
    return shadow


def stop_shadow(*, actor: Actor, user: User, policy: Policy) -> ShadowVersion:
    """End the running shadow. Raises PolicyRefused when none runs, Forbidden or NotVisible."""
    _require_edit(actor, user, policy)
    with transaction.atomic():
        policy = lock_policy(policy.pk)
        shadow = _running(policy)
        if shadow is None:
            raise PolicyRefused("shadow", "Nothing runs in the shadow of this policy.")
        shadow.ended_at = database_now()
        shadow.save(update_fields=["ended_at"])
        _record(actor, shadow, "policy.shadow_stopped")
    return shadow


def _of_running(workspace_id: str, slug: str) -> QuerySet[ShadowVersion]:
    running = ShadowVersion.objects.filter(policy__workspace_id=workspace_id, policy__slug=slug, ended_at=None)
    return running.select_related("policy")


_RUNNING = Question(_of_running)


def shadows_running(workspace_id: str, slug: str) -> QuerySet[ShadowVersion]:
    """What runs in a policy's shadow, for those who ask with something else whether anything does."""
    return _of_running(workspace_id, slug).order_by()


def shadow_of(workspace_id: str, slug: str) -> tuple[Document, ShadowVersion] | None:
    """What runs in a policy's shadow, or None.

    A shadow that loads no more is logged and counts as none: it decides nothing, so it may stop nothing.
    """
    shadow = _RUNNING.first(workspace_id, slug)
    if shadow is None:
        return None
    try:
        return parsed(shadow.digest, shadow.source), shadow
    except PolicyError:
        logger.exception("The shadow %s of policy %s does not load any more.", shadow.pk, slug)
        return None


def shadow_differences(policy: Policy, since: datetime, *, digest: str | None = None) -> tuple[Difference, ...]:
    """Where shadows decided otherwise since a time, most frequent first, each with its latest actions.

    With `digest`, only what that document said.
    """
    different = _seen(policy, since, digest).exclude(effect=F("shadow_effect"))
    samples = _samples(different)
    groups = different.order_by().values(*_GROUP).annotate(count=Count("pk")).order_by("-count", *_GROUP)
    return tuple(Difference(**group, action_ids=tuple(samples[_key(group)])) for group in groups)


def shadow_total(policy: Policy, since: datetime, *, digest: str | None = None) -> int:
    """How many decisions a shadow looked at since a time."""
    return _seen(policy, since, digest).count()


def _seen(policy: Policy, since: datetime, digest: str | None) -> QuerySet[DecisionRecord]:
    records = DecisionRecord.objects.filter(workspace_id=policy.workspace_id, policy=policy.slug, at__gte=since)
    return records.filter(shadow_digest=digest) if digest else records.exclude(shadow_digest="")


def _samples(different: QuerySet[DecisionRecord]) -> dict[tuple[str, ...], list[str]]:
    """The latest actions of every group."""
    rank = Window(RowNumber(), partition_by=[F(name) for name in _GROUP], order_by=[F("at").desc(), F("pk").desc()])
    rows: Iterable[Mapping[str, Any]] = (
        different.order_by().annotate(rank=rank).filter(rank__lte=SAMPLES).order_by("rank").values(*_GROUP, "action_id")
    )
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        found.setdefault(_key(row), []).append(row["action_id"])
    return found


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in _GROUP)


def _running(policy: Policy) -> ShadowVersion | None:
    return policy.shadows.filter(ended_at=None).first()


def _checked(policy: Policy, source: str) -> Document:
    """It decides nothing, so it need not hold the other gates; but one that cannot be evaluated would say nothing either."""
    document = document_of(policy, source)
    problems = type_problems(document, tools_of(policy.workspace_id), placing(source))
    if problems:
        raise PolicyError(problems)
    return document


def _name(name: str) -> str:
    text = check_length("name", name)
    if not 0 < len(text) <= 120:
        raise PolicyRefused("name", "Name it, in at most 120 characters.")
    return text


def _require_edit(actor: Actor, user: User, policy: Policy) -> None:
    if actor.workspace_id != policy.workspace_id:
        raise NotVisible("policy")
    require(user, Permission.POLICY_EDIT, policy.workspace)


def _record(actor: Actor, shadow: ShadowVersion, verb: str) -> None:
    policy = shadow.policy
    body = {"policy": policy.slug, "name": shadow.name, "digest": shadow.digest}
    record_governance(actor=actor, workspace_id=policy.workspace_id, type=verb, body=body)
