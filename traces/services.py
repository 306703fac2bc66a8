"""Verbs on traces. Each writes its ledger entry in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actors import STRANGER, Actor
from accounts.clock import database_now
from accounts.models import Agent, User
from accounts.origin import current_origin
from accounts.questions import Question
from accounts.writes import change
from traces.ledger import Sensitive, append
from traces.models import Entry, Trace, TraceOpening

# How the person of a trace is known: they showed who they are, the agent named them, or they act in the console.
BY_TOKEN, BY_AGENT, BY_SESSION = "token", "agent", "session"


def open_trace(
    *,
    actor: Actor,
    workspace_id: str,
    agent: Agent | None,
    on_behalf_of: User,
    intent: str,
    sources: Sequence[Mapping[str, Any]],
    rollback_of: Trace | None = None,
    remember: Callable[[str], None] | None = None,
    kind: Trace.Kind = Trace.Kind.WORK,
) -> Trace:
    """Open a trace: the intent in the asker's words, who acts for whom, and the sources used.

    `sources` are `{title, url, ref, digest}`; texts, kept as given. A rollback names the trace it undoes.
    """
    with transaction.atomic():
        now = database_now()
        trace = Trace.objects.create(
            kind=kind,
            workspace_id=workspace_id,
            agent=agent,
            on_behalf_of=on_behalf_of,
            title=f"Working on: {intent[:120]}",
            rollback_of=rollback_of,
            created_at=now,
            updated_at=now,
        )
        body = {
            "intent": intent,
            "on_behalf_of": {"id": on_behalf_of.pk, "name": on_behalf_of.name},
            **_known(actor, on_behalf_of),
            "agent": {"id": agent.pk, "name": agent.name} if agent else None,
            "sources": [dict(source) for source in sources],
            "rollback_of": rollback_of.pk if rollback_of else None,
        }
        append(actor=actor, trace_id=trace.pk, type="trace.opened", body=body)
        if remember is not None:
            remember(trace.pk)
    return trace


def _known(actor: Actor, person: User) -> dict[str, str]:
    """A token is named by its public part, and only where it is this person's."""
    token = actor.person_token
    if token is not None and token.person_id == person.pk:
        return {"known_by": BY_TOKEN, "token": token.name}
    return {"known_by": BY_SESSION if actor.kind == "user" else BY_AGENT}


_FIRST = Question(lambda trace_id: Entry.objects.filter(trace_id=trace_id, seq=1))


def opening(trace: Trace) -> Mapping[str, Any]:
    """What the trace was opened with: intent, person, sources."""
    return _FIRST.all(trace.pk)[0].record["body"]  # type: ignore[no-any-return]


def record_refusal(
    *, actor: Actor, trace_id: str, title: str, detail: str, problems: Sequence[Mapping[str, str]]
) -> None:
    """A request of an identified agent that was refused before it became an action (negative proof)."""
    body = {"title": title, "detail": detail, "problems": [dict(problem) for problem in problems]}
    with transaction.atomic():
        append(actor=actor, trace_id=trace_id, type="trace.refused", body=body)


def record_refused_request(
    *, actor: Actor, agent: Agent, title: str, detail: str, problems: Sequence[Mapping[str, str]]
) -> None:
    """A refused request of an identified agent that belongs to no trace: an entry in the agent's trace of refusals."""
    trace = _refusals_of(actor, agent)
    record_refusal(actor=actor, trace_id=trace.pk, title=title, detail=detail, problems=problems)


def _refusals_of(actor: Actor, agent: Agent) -> Trace:
    found = Trace.objects.filter(agent=agent, kind=Trace.Kind.REFUSALS)
    existing = found.first()
    if existing is not None:
        return existing
    try:
        with transaction.atomic():
            intent = "Requests that were refused before they belonged to a trace."
            trace = open_trace(
                actor=actor, workspace_id=agent.workspace_id, agent=agent, on_behalf_of=agent.owner, intent=intent,
                sources=[], kind=Trace.Kind.REFUSALS,
            )  # fmt: skip
            summarise(trace_id=trace.pk, title=f"Refused requests of {agent.name}", outcome=Trace.Outcome.DENIED)
            return trace
    except IntegrityError:
        return found.get()  # Another request made it meanwhile.


def record_answer(*, actor: Actor, trace_id: str, answer: str, line: str) -> None:
    """Whether the page answered a reader's question: `yes` or `no`, with an optional line.

    Raises ValueError for another word.
    """
    if answer not in {"yes", "no"}:
        raise ValueError("The answer is yes or no.")
    with transaction.atomic():
        append(actor=actor, trace_id=trace_id, type="trace.answered", body={"answer": answer, "line": line[:500]})


def note_opening(*, user: User, trace: Trace) -> None:
    """This person looks at the trace's page. Only the first time is kept, for the share of traces viewed."""
    TraceOpening.objects.bulk_create([TraceOpening(trace=trace, user=user, at=database_now())], ignore_conflicts=True)


def summarise(*, trace_id: str, title: str, outcome: str) -> None:
    """Store what lists show. Runs inside the transaction of the change it follows."""
    change(Trace, {"id": trace_id}, {"title": title[:300], "outcome": outcome})


def record_governance(*, actor: Actor, workspace_id: str, type: str, body: Mapping[str, Any]) -> Entry:
    """Something people did to how a workspace is governed: an entry in its standing chain, with where it came from.

    Runs inside the transaction of the change it records; raises RuntimeError outside one.
    """
    whole = {**body, **_from_where(actor)}
    return append(actor=actor, trace_id=_governance_of(workspace_id), type=type, body=whole)


def record_export(*, actor: Actor, workspace_id: str, of: str, form: str, about: Mapping[str, Any]) -> None:
    """Something of the ledger left as a file: of what, in which form, and `about` which trace or filters."""
    with transaction.atomic():
        body = {"of": of, "form": form, **about}
        record_governance(actor=actor, workspace_id=workspace_id, type="export.made", body=body)


def _from_where(actor: Actor) -> Mapping[str, Any]:
    """The request of a person, or of somebody not signed in.

    The address is personal: a commitment stands in the entry, the value beside it (R-42).
    """
    origin = current_origin()
    if origin is None or (actor.kind != "user" and actor.id != STRANGER):
        return {}
    return {"origin": {"request": origin.request_id, "address": Sensitive(origin.address, "network address")}}


def _governance_of(workspace_id: str) -> str:
    """The workspace's governance chain, made at its first entry. Two makers at once: the second takes the first's."""
    now = database_now()
    chain = Trace(
        kind=Trace.Kind.GOVERNANCE, workspace_id=workspace_id, title="Governance of this workspace",
        outcome=Trace.Outcome.RUNNING, created_at=now, updated_at=now,
    )  # fmt: skip
    Trace.objects.bulk_create([chain], ignore_conflicts=True)
    found = Trace.objects.filter(workspace_id=workspace_id, kind=Trace.Kind.GOVERNANCE)
    return found.values_list("pk", flat=True).get()
