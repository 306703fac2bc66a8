"""A person edits a pending action's payload: policy runs again, the digest changes, both texts are kept."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from actions.arguments import check_arguments
from actions.ask import shown, title_of
from actions.binding import bound
from actions.decide import judge, requested
from actions.definition import Definition
from actions.history import note_decision
from actions.machine import move
from actions.models import Action
from actions.propose import TARGETS, decided_body, decision_columns
from actions.record import known_secrets
from actions.redaction import mask
from actions.states import State
from approvals.eligibility import Eligibility, eligibility
from approvals.models import ApprovalRequest
from approvals.refusals import DigestChanged, NotEntitled
from approvals.services import refuse_settled, replace_payload
from policies.engine.routes import recorded
from policies.engine.types import Route
from policies.limits import replace_holds
from traces.canonical import canonical_text
from traces.models import Trace


class EditRefused(Exception):
    """Policy does not allow the edited payload; nothing was changed. The message names the rule."""


def edit_payload(
    *, actor: Actor, editor: User, request_id: str, digest: str, values: Mapping[str, Any]
) -> ApprovalRequest:
    """Replace editable fields with a person's values, typed as the tool takes them.

    Raises NotEntitled, AlreadyDecided, DigestChanged, BadArguments or EditRefused; then nothing was changed.
    """
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        # INVARIANT: whoever is signed in edits, whatever a request says. Held by tests/approvals/test_edit_page.py.
        if (actor.kind, actor.id) != ("user", editor.pk):
            raise NotEntitled("An edit is made by the person who is signed in.")
        may = _refuse(request, editor, digest)
        found = Action.objects.select_related("tool__connection", "agent", "requester", "trace")
        # The action's lock, then its trace's, as every move takes them; limits come last: no two can wait for each other.
        action = found.select_for_update(of=("self",)).get(pk=request.action_id)
        Trace.objects.select_for_update(of=("self",)).get(pk=action.trace_id)
        definition = action.definition
        assert definition is not None  # A pending action has a tool.
        allowed = set(request.displayed["editable"])
        before = canonical_text(action.edits)
        action.edits = _edits(action, definition, {k: v for k, v in values.items() if k in allowed})
        if canonical_text(action.edits) == before:
            raise EditRefused("Nothing was changed. Change a value, or discard the edits.")
        # Another nonce, another digest: what people approved before an edit never comes back as the same thing (B-03).
        action.nonce = secrets.token_hex(16)
        check_arguments(definition, requested(action, definition))
        _decide_again(actor, action, definition)
        sources = request.displayed["sources"]
        replace_payload(
            actor=actor, editor=editor, stands_in_for=may.delegation.person if may.delegation else None, request=request,
            title=title_of(action), digest=action.digest,
            displayed=shown(action, sources), bound=bound(action),
        )  # fmt: skip
    return request


def _refuse(request: ApprovalRequest, editor: User, digest: str) -> Eligibility:
    """By what right this person edits. Raises what `edit_payload` does."""
    refuse_settled(request, database_now())
    may = eligibility(editor, request)
    if not may.may_decide:
        raise NotEntitled(may.reason)
    if digest != request.digest:
        raise DigestChanged("The payload changed after you opened it. What you typed is still here; nothing was saved.")
    return may


def _edits(action: Action, definition: Definition, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Agent's value and person's value of each field that differs, in value or in type."""
    original = definition.fields(action.proposed)
    return {name: [original[name], value] for name, value in values.items() if not _same(original[name], value)}


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 and true are not, however Python compares them."""
    return canonical_text({"value": one}) == canonical_text({"value": other})


def in_question(request: ApprovalRequest) -> tuple[Definition, dict[str, Any]]:
    """The tool a request is about, and the arguments as they would run now: what its edit form is made from."""
    action = Action.objects.select_related("tool__connection").get(pk=request.action_id)
    definition = action.definition
    assert definition is not None  # A pending action has a tool.
    return definition, action.arguments


def _route(action: Action) -> Route | None:
    asked = action.decision["route"]
    return recorded(asked) if asked else None


def _decide_again(actor: Actor, action: Action, definition: Definition) -> None:
    """Policy on the edited payload, with its own hold; anything but the same need for a person refuses the edit."""
    before = action.decision["effect"]
    judged = judge(action, definition)
    decision = judged.decision
    if decision.effect == "deny" or TARGETS[decision.effect] is not State.PENDING or decision.effect != before:
        raise EditRefused(decision.reason)
    if decision.route != _route(action):
        # The people who were asked are those of the request; another route needs another request.
        raise EditRefused("Policy now asks other people for this. Reject it, so that the agent can ask again.")
    note_decision(action, definition, judged)
    columns = decision_columns(action, definition, decision)
    policy = str(decision.policy["slug"])
    replace_holds(workspace_id=action.workspace_id, policy=policy, action_id=action.pk, holds=decision.holds)
    body = {**decided_body(action, definition), "edits": _told(action, definition)}
    move(
        actor=actor,
        action=action,
        to=State.PENDING,
        entry="action.edited",
        body=body,
        edits=action.edits,
        nonce=action.nonce,
        **columns,
    )


def _told(action: Action, definition: Definition) -> dict[str, list[Any]]:
    """The edits for the ledger: what stands in a sensitive field is withheld, the agent's value and the person's alike.

    INVARIANT: no sensitive value enters the ledger, whoever typed it (R-33, R-42). Held by
    tests/approvals/test_edits_withheld.py.
    """
    known = known_secrets(definition, action.proposed, action.arguments, (action.before or {}).get("fields", {}))
    return {name: [mask({name: value}, known)[name] for value in pair] for name, pair in action.edits.items()}
