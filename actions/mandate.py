"""Whether the token an agent asks with, and the person it asks for, let it do a call: agent ∩ person ∩ token (A-03).

Policy says what the agent may; this only ever takes away. It is asked at the proposal and again before anything is sent.

INVARIANT: naming a person or narrowing a token never allows what the agent alone may not. Held by tests/actions/test_mandate.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.models import Membership, User
from accounts.permissions import effects_for
from accounts.questions import Question
from accounts.scopes import AGENT, effects_of, scope_of
from actions.models import Action
from actions.states import State
from policies.engine.decide import deny
from policies.engine.document import Document
from policies.engine.types import Check, Decision

Checks = tuple[Check, ...]

TOKEN, SCOPE, PERSON = "person.token", "token.scope", "person.rights"
RULES = frozenset({TOKEN, SCOPE, PERSON})


def reach(actor: Actor, person: User, workspace_id: str) -> frozenset[str]:
    """The classes of effect this actor can have for this person now."""
    return effects_of(actor.scopes) & effects_for(_roles(person, workspace_id))


def _of_roles(user_id: str, workspace_id: str) -> QuerySet[Membership, tuple[str]]:
    return Membership.objects.filter(user_id=user_id, workspace_id=workspace_id).values_list("role")


_ROLES = Question(_of_roles)


def _roles(person: User, workspace_id: str) -> Sequence[str]:
    return [role for (role,) in _ROLES.all(person.pk, workspace_id)]


def denial(document: Document, version: int, found: Checks) -> Decision | None:
    """The denial of a call that is beyond the token or the person, with all that was checked; None where they let it pass.

    Policy is not asked then: its target was not read, so what it would say of it would mislead.
    """
    no = next((check for check in found if check.outcome == "denied"), None)
    if no is None:
        return None
    denied = deny(document, version=version, name=no.name, rule=no.rule, reason=no.reason, remedy=no.remedy)
    return replace(denied, checks=found)


def told(decision: Decision, action: Action, found: Checks) -> Decision:
    """Policy's decision with these checks, where a token says less than everything or names a person."""
    says = action.person_token_id is not None or action.scopes != AGENT
    return replace(decision, checks=(*decision.checks, *found)) if says else decision


def checks(action: Action, effect: str, roles: Iterable[str]) -> Checks:
    """Who the person is, what they may, how far the token reaches: each as a check of the decision."""
    known = (_known(action),) if action.person_token_id else ()
    return (*known, _rights(action, effect, effects_for(roles)), _scope(action, effect))


def _known(action: Action) -> Check:
    token, name = action.person_token, action.requester.name
    assert token is not None  # The caller looked.
    if token.revoked_at is None and action.requester.is_active:
        reason = f"{name} showed who they are: known by token {token.name}."
        return Check("Person", "passed", TOKEN, token.name, "not revoked", reason)
    reason = f"The token by which {name} was known was revoked."
    again = (
        "Exchange the person's token again" if token.consent_id is None else "Have them sign in and allow the app again"
    )
    remedy = f"{again}, and ask anew. Nothing was sent."
    return Check("Person", "denied", TOKEN, token.name, "not revoked", reason, remedy)


def _rights(action: Action, effect: str, may: frozenset[str]) -> Check:
    name = action.requester.name
    shown = ", ".join(sorted(may))
    if effect in may:
        reason = f"{name} may have this done for them."
        return Check("Person's rights", "passed", PERSON, effect, shown, reason)
    only = f"may {shown} here and no more" if may else "has no role here"
    reason = f"{name} {only}, so an agent that acts for them may not {_verb(effect)}."
    remedy = "Ask for somebody who may, or ask a workspace owner to give them a role."
    return Check("Person's rights", "denied", PERSON, effect, shown, reason, remedy)


def _scope(action: Action, effect: str) -> Check:
    if effect in effects_of(action.scopes):
        reason = f"The token reaches {effect} calls."
        return Check("Token scope", "passed", SCOPE, effect, action.scopes, reason)
    reason = f"The token reaches only {action.scopes}, and {action.tool_name} is {effect}."
    remedy = f"Ask the token endpoint for a token with scope {effect}, if the client and the person may."
    return Check("Token scope", "denied", SCOPE, effect, action.scopes, reason, remedy)


def scope_lacking(action: Action) -> str:
    """The scope with which its token would have let it pass, where that alone denied it; "" otherwise (M-02)."""
    if action.state != State.DENIED:
        return ""
    denied = [check for check in action.decision["checks"] if check["outcome"] == "denied"]
    if [check["rule"] for check in denied] != [SCOPE]:
        return ""
    return scope_of(effects_of(action.scopes) | {denied[0]["value"]})


def _verb(effect: str) -> str:
    return {"side_effect": "have side effects", "continuous": "go on by itself"}.get(effect, effect)
