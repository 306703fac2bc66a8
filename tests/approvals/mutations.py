"""What may be changed between what a person read and what would run, by whoever can write the database or run the installation.

Each changes one approved request and says what dispatch must answer. Nothing here goes through a service that would refuse it,
except where the service is what changes the world.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import yaml
from django.db.models import F

from accounts.clock import database_now
from accounts.models import Agent, Group
from accounts.permissions import Role
from accounts.services import deactivate_user, leave_group, link_identity, remove_member, set_agent_state
from actions.binding import bind, bound
from actions.connections import save_connection
from actions.models import Action, Connection, Tool
from actions.tools import load_tools
from approvals.models import ApprovalKey, ApprovalRequest, FiredTimer, Verdict
from tests.builders import publish, sample_plain
from tests.cast import WORLD
from tests.stepup.conftest import ask_for
from traces.canonical import canonical_text

REFUND = "desk.refund.create"
STRANGER = "usr_00000000000000000000000000"


@dataclass(frozen=True)
class World:
    """One request and its action, as the database has them now."""

    cast: Any
    request: ApprovalRequest
    action: Action

    def set_action(self, **columns: Any) -> None:
        Action.objects.filter(pk=self.action.pk).update(**columns)

    def set_request(self, **columns: Any) -> None:
        ApprovalRequest.objects.filter(pk=self.request.pk).update(**columns)

    @property
    def first(self) -> Verdict:
        """The verdict of step 1, which is there on every way in."""
        return Verdict.objects.get(request=self.request, step=1)

    def sign_otherwise(self, **parts: Any) -> None:
        """Another statement under the signature that was given."""
        signed = copy.deepcopy(self.first.signed)
        signed["statement"] |= parts
        Verdict.objects.filter(pk=self.first.pk).update(signed=signed)


def world(cast: Any, request_id: str) -> World:
    request = ApprovalRequest.objects.get(pk=request_id)
    action = Action.objects.select_related("tool__connection", "agent", "requester").get(pk=request.action_id)
    return World(cast, request, action)


@dataclass(frozen=True)
class Mutation:
    """`change` makes it; `words` is what the block at dispatch says."""

    change: Callable[[World], object]
    words: str


def more_money(w: World) -> str:
    return canonical_text({**w.action.arguments, "amount": 90000})


def rebound(w: World, **columns: Any) -> str:
    """The digest that the changed action would have."""
    w.set_action(**columns)
    digest = bind(Action.objects.select_related("tool__connection").get(pk=w.action.pk))
    w.set_action(digest=digest)
    return digest


def rebound_everywhere(w: World) -> None:
    """Whoever writes every row alike: action, request and verdicts agree, and only the signature does not."""
    digest = rebound(w, arguments_text=more_money(w))
    now = bound(Action.objects.select_related("tool__connection").get(pk=w.action.pk))
    w.set_request(digest=digest, bound=now)
    Verdict.objects.filter(request=w.request).update(digest=digest)
    for verdict in Verdict.objects.filter(request=w.request):
        verdict.signed["statement"] |= {"digest": digest, "bound": now}
        verdict.save(update_fields=["signed"])


def verdicts_on_other_bytes(w: World) -> None:
    digest = rebound(w, arguments_text=more_money(w))
    w.set_request(digest=digest)
    Verdict.objects.filter(request=w.request).update(digest=digest)


def another_tool(w: World) -> None:
    other = Tool.objects.get(workspace=w.cast.northwind, name="desk.mail.send")
    rebound(w, tool=other, tool_digest=other.digest)


def fewer_steps(w: World) -> dict:
    return {**w.request.route, "steps": w.request.route["steps"][:1]}


def fewer_everywhere(w: World) -> None:
    w.set_request(route=fewer_steps(w))
    w.set_action(
        decision={**w.action.decision, "route": {**w.action.decision["route"], "steps": fewer_steps(w)["steps"]}}
    )


def nobody_asked(w: World) -> None:
    """As if policy had allowed it at once, and nobody had been asked."""
    for rows in (w.request.verdicts, w.request.timers, w.request.openings):
        rows.all().delete()
    w.request.delete()
    w.set_action(decision={**w.action.decision, "effect": "allow"}, state="authorized")


def displayed(w: World) -> None:
    shown = copy.deepcopy(w.request.displayed)
    shown["payload"]["rows"] = []
    w.set_request(displayed=shown)


def less_risk(w: World) -> None:
    w.set_request(bound={**w.request.bound, "effect_class": "read", "reversibility": "reversible"})


def vote_of(w: World, **columns: Any) -> None:
    Verdict.objects.filter(pk=w.first.pk).update(**columns)


def copied_for(w: World, first: str) -> None:
    """One person's signed verdict under the name of somebody who may decide the other step."""
    Verdict.objects.filter(request=w.request, step=2).delete()
    copied = w.first
    copied.pk, copied.step, copied.user = None, 2, w.cast.user(first)
    copied.save()
    w.set_request(state="approved", settled_at=database_now())


def escalated(w: World, at: datetime) -> None:
    """A group more for every step, before its time: with it somebody would do who is not asked yet."""
    FiredTimer.objects.create(request=w.request, kind="escalation", number=0, at=at)
    group = Group.objects.get(workspace=w.cast.northwind, slug="managers")
    group.members.create(user=w.cast.user("ken"), joined_at=w.request.created_at - timedelta(days=1))
    copied_for(w, "ken")


def garbled(w: World) -> None:
    signed = w.first.signed
    vote_of(w, signed={**signed, "signature": signed["signature"][:-8] + "AAAAAAA="})


def asserted(w: World) -> None:
    """A passkey's answer beside a statement that no passkey was asked to sign, where one is asked for now."""
    fake = dict.fromkeys(("client_data", "authenticator_data", "signature", "public_key"), "AAAA")
    for verdict in Verdict.objects.filter(request=w.request):
        verdict.signed["assertion"] = fake
        verdict.save(update_fields=["signed"])
    ask_for(w.cast, "passkey")


def reworded(w: World) -> None:
    data = yaml.safe_load((WORLD / "tools.yaml").read_text())
    next(tool for tool in data["tools"] if tool["name"] == REFUND)["description"] = "Give back money, quietly."
    load_tools(actor=w.cast.actor("dana"), workspace=w.cast.northwind, text=yaml.safe_dump(data))


def pointed_elsewhere(w: World) -> None:
    found = Connection.objects.get(workspace=w.cast.northwind, slug="desk")
    save_connection(
        actor=w.cast.actor("dana"), workspace=w.cast.northwind, slug="desk", name=found.name, kind=found.kind,
        base_url=found.base_url.replace("127.0.0.1", "localhost"), client_id="x", client_secret="y", allow_private=True,
    )  # fmt: skip


def tightened(w: World) -> None:
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][REFUND] = {"mode": "off"}
    publish(w.cast, plain)


def more_asked(w: World) -> None:
    plain = sample_plain()
    plain["routes"]["refund"]["steps"].append({"name": "Managers", "group": "managers"})
    publish(w.cast, plain)


def left_the_group(w: World) -> None:
    group = Group.objects.get(workspace=w.cast.northwind, slug="support-leads")
    leave_group(actor=w.cast.actor("dana"), group=group, user=w.cast.user("priya"))


def one_human(w: World) -> None:
    for first, issuer in (("priya", "https://one.example"), ("maya", "https://two.example")):
        link_identity(actor=w.cast.actor("dana"), user=w.cast.user(first), issuer=issuer, subject="0042")


def person(first: str) -> Callable[[World], None]:
    return lambda w: deactivate_user(actor=w.cast.actor("dana"), user=w.cast.user(first))


def act(**columns: Any) -> Callable[[World], None]:
    return lambda w: w.set_action(**columns)


def ask(**columns: Any) -> Callable[[World], None]:
    return lambda w: w.set_request(**columns)


def said(**parts: Any) -> Callable[[World], None]:
    return lambda w: w.sign_otherwise(**parts)


DIGEST, ROUTE, NOT_OF = "no longer matches its digest", "not asked for on the route", "not of what would run"
PROVES, FORGED, STANDS = (
    "proves nothing: it was given for something else",
    "its signature does not hold",
    "may no longer approve",
)

MUTATIONS: dict[str, Mutation] = {
    # Arguments, tool, system, policy, pre-state, requester, agent, nonce.
    "arguments": Mutation(lambda w: w.set_action(arguments_text=more_money(w)), DIGEST),
    "arguments with their digest": Mutation(lambda w: rebound(w, arguments_text=more_money(w)), NOT_OF),
    "arguments, digest, verdicts": Mutation(verdicts_on_other_bytes, PROVES),
    "arguments in every row": Mutation(rebound_everywhere, FORGED),
    "tool by name": Mutation(act(tool_name="desk.mail.send"), DIGEST),
    "tool with its digest": Mutation(another_tool, NOT_OF),
    "tool digest": Mutation(act(tool_digest="sha256:0"), DIGEST),
    "tool redefined": Mutation(reworded, "tool's definition changed"),
    "system behind the connection": Mutation(pointed_elsewhere, DIGEST),
    "policy digest": Mutation(lambda w: w.set_action(decision={**w.action.decision, "policy": {}}), DIGEST),
    "policy forbids it": Mutation(tightened, "no longer allows this"),
    "policy asks for more": Mutation(more_asked, "asks for other approvals"),
    "pre-state": Mutation(lambda w: w.set_action(before={**w.action.before, "version": "0"}), DIGEST),
    "pre-state with its digest": Mutation(lambda w: rebound(w, before={**w.action.before, "version": "0"}), NOT_OF),
    "requester": Mutation(lambda w: w.set_action(requester=w.cast.user("sam")), DIGEST),
    "agent": Mutation(lambda w: w.set_action(agent=Agent.objects.exclude(pk=w.cast.agent.pk)[0]), DIGEST),
    "nonce": Mutation(act(nonce="0" * 32), DIGEST),
    # The request: what was shown, who was asked, how, until when.
    "digest asked for": Mutation(ask(digest="sha256:0"), NOT_OF),
    "title shown": Mutation(ask(title="Something harmless"), PROVES),
    "payload shown": Mutation(displayed, PROVES),
    "risk": Mutation(less_risk, PROVES),
    "route": Mutation(lambda w: w.set_request(route=fewer_steps(w)), STANDS),
    "route in every row": Mutation(fewer_everywhere, STANDS),
    "nobody excluded": Mutation(ask(excluded={}), PROVES),
    "nobody involved": Mutation(ask(involved={}), PROVES),
    "later expiry": Mutation(ask(expires_at=F("expires_at") + timedelta(hours=1)), PROVES),
    "its time is over": Mutation(lambda w: w.set_request(expires_at=database_now()), "The approval ran out"),
    "asked later": Mutation(ask(created_at=F("created_at") + timedelta(seconds=1)), PROVES),
    "called a draft": Mutation(ask(kind="draft"), ROUTE),
    "called an emergency": Mutation(ask(state="break_glass", settled_at=F("created_at")), "Nobody let these bytes run"),
    "nobody asked": Mutation(nobody_asked, "no longer allows this"),
    # Verdicts: rows and signatures.
    "no verdicts": Mutation(lambda w: w.request.verdicts.all().delete(), "Fewer people approved"),
    "verdict void": Mutation(lambda w: vote_of(w, void=True), "Fewer people approved"),
    "verdict of somebody else": Mutation(lambda w: vote_of(w, user=w.cast.user("ken")), PROVES),
    "verdict on another step": Mutation(lambda w: vote_of(w, step=2), "may no longer approve"),
    "verdict twice": Mutation(lambda w: copied_for(w, "tomas"), PROVES),
    "escalated before its time": Mutation(lambda w: escalated(w, database_now()), STANDS),
    "escalated in the future": Mutation(lambda w: escalated(w, database_now() + timedelta(minutes=40)), STANDS),
    "second approver in the row": Mutation(lambda w: vote_of(w, wants_second=True), "Fewer people approved"),
    "no signature": Mutation(lambda w: vote_of(w, signed={}), "it is not signed"),
    "rows of another shape": Mutation(lambda w: vote_of(w, signed={"statement": []}), "cannot be read as one"),
    "garbled signature": Mutation(garbled, FORGED),
    "choice in the statement": Mutation(said(choice="reject"), FORGED),
    "approver in the statement": Mutation(said(approver=STRANGER), FORGED),
    "nonce in the statement": Mutation(said(nonce="0" * 32), FORGED),
    "step-up in the statement": Mutation(said(step_up={"method": "passkey", "at": "2026-01-01T00:00:00.000000Z"}), FORGED),
    "action in the statement": Mutation(said(action="act_00000000000000000000000000"), FORGED),
    "second approver in the statement": Mutation(said(second=True), FORGED),
    "unknown key": Mutation(lambda w: ApprovalKey.objects.update(public="A" * 43 + "="), FORGED),
    "passkey's answer": Mutation(asserted, "without the step-up that is asked now"),
    # People, agent and terms as they are now.
    "approver left the group": Mutation(left_the_group, STANDS),
    "approver is no reviewer": Mutation(
        lambda w: remove_member(actor=w.cast.actor("dana"), workspace=w.cast.northwind, user=w.cast.user("priya"),
                                role=Role.REVIEWER), STANDS,
    ),
    "approver has left": Mutation(person("priya"), STANDS),
    "approver is the requester": Mutation(one_human, STANDS),
    "requester has left": Mutation(person("maya"), "no longer has access"),
    "agent disabled": Mutation(
        lambda w: set_agent_state(actor=w.cast.actor("dana"), agent=w.cast.agent, state=Agent.State.DISABLED), "is shut out",
    ),
    "step-up asked now": Mutation(lambda w: ask_for(w.cast, "totp"), "without the step-up that is asked now"),
}  # fmt: skip
