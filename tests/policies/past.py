"""Builds a past: decided actions written by the product's own functions, then moved to when they happened."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.db import transaction

from accounts.clock import database_now
from accounts.models import Workspace
from policies.engine.decide import decide
from policies.engine.document import Document, load
from policies.engine.selftest import request_from
from policies.engine.types import Request
from policies.history import record_decision, record_outcome
from policies.models import DecisionRecord

SUPPORT = """
policy: {slug: support, name: Support}
roles:
  refunds:
    tier: execute-with-approval
    tools:
      desk.account.update: {mode: auto}
      desk.refund.create: {mode: auto}
    fields:
      desk.account:
        write: [refund_status, last_contact_reason, owner_note]
      desk.refund:
        write: [charge_id, amount, currency, reason]
    scopes:
      desk.account: record.region == "EU"
invariants:
  - id: refund.within_charge
    name: Never refund more than was charged
    when: {tools: [desk.refund.create]}
    require: record.charges.exists(x, x.id == args.charge_id && x.amount - x.refunded >= args.amount)
    reason: The refund is larger than what is left of that charge.
limits:
  - id: refund.auto
    name: Spend limit
    when: {tools: [desk.refund.create]}
    kind: money
    per: action
    max: 10000
    currency: USD
    over: approval
    route: refund
  - id: refund.daily
    name: Daily refund budget
    when: {tools: [desk.refund.create]}
    kind: money
    per: agent
    max: 500000
    currency: USD
    window: 1d
    over: deny
routes:
  refund:
    steps:
      - {name: Support lead, group: support-leads}
      - {name: Finance, group: finance}
"""
_numbers = count(1)


def refund(amount: int = 6000, **given: Any) -> Request:
    """A refund as the sample agent asks for it."""
    return request_from(
        {
            "role": "refunds",
            "tool": {
                "name": "desk.refund.create",
                "resource_type": "desk.refund",
                "effect_class": "side_effect",
                "reversibility": "compensable",
            },
            "arguments": {"order_id": "1", "charge_id": "ch", "amount": amount, "currency": "USD", "reason": "twice"},
            "fields": {"charge_id": "ch", "amount": amount, "currency": "USD", "reason": "twice"},
            "record": {"id": "ord_1", "charges": [{"id": "ch", "amount": 10**9, "refunded": 0}]},
            "money": {"amount": amount, "currency": "USD"},
            **given,
        }
    )


def update(fields: dict[str, Any] | None = None, **given: Any) -> Request:
    """A write to an account in the EU."""
    return request_from(
        {
            "role": "refunds",
            "tool": {
                "name": "desk.account.update",
                "resource_type": "desk.account",
                "effect_class": "write",
                "reversibility": "reversible",
            },
            "arguments": {"account_id": "acct_1"},
            "fields": fields or {"owner_note": "Called."},
            "record": {"id": "acct_1", "name": "Birch", "region": "EU"},
            **given,
        }
    )


class Past:
    """Decides requests under a document and keeps them as what happened in a workspace."""

    def __init__(self, workspace: Workspace, document: Document | str = SUPPORT) -> None:
        self.workspace = workspace
        self.document = load(document) if isinstance(document, str) else document
        self.now = database_now()

    def ago(self, **parts: float) -> datetime:
        return self.now - timedelta(**parts)

    def add(
        self,
        request: Request,
        *,
        at: datetime | None = None,
        outcome: str = "",
        waited_s: int | None = None,
        agent: str = "Refunds agent",
        ended: datetime | None = None,
    ) -> DecisionRecord:
        """One decided action; without `outcome` it is open. It ends when it was decided, unless `ended` says otherwise."""
        at = at or self.now
        action_id, agent_id = f"act_{next(_numbers)}", f"agt_{agent.replace(' ', '_').lower()}"
        request = replace(request, at=at, agent={"id": agent_id, "slug": "agent", "name": agent})
        with transaction.atomic():
            record = record_decision(
                workspace_id=self.workspace.pk, action_id=action_id, trace_id="trc_1", agent_id=agent_id,
                title="A title", request=request, decision=decide(self.document, request, version=1),
            )  # fmt: skip
            if outcome:
                record_outcome(action_id=action_id, outcome=outcome, waited_s=waited_s)
                DecisionRecord.objects.filter(action_id=action_id).update(finished_at=ended or at)
        record.refresh_from_db()
        return record
