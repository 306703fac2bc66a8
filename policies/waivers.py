"""Who granted a waiver, and for how long: a document may not say that somebody granted what they never saw.

INVARIANT: a waiver names who put it there (the person who saved it, the one who published it) or stands word for word in what was
granted before; and none holds longer than `MOST`. Asked where a draft is saved and again where it is published. Held by
tests/policies/test_waivers.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.actors import Actor, actor_for_user
from accounts.models import User
from policies.engine.document import Document
from policies.engine.problems import Problem
from policies.engine.windows import instant
from policies.engine.yaml_source import Place
from policies.models import Policy, PolicyDraft

Waiver = Mapping[str, Any]
MOST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Grants:
    """What a text may say of waivers: new ones by one of `names`, and those `known` from before, unchanged."""

    names: tuple[str, ...]
    known: tuple[Waiver, ...]


def grants(policy: Policy, actor: Actor, known: Sequence[Waiver] = ()) -> Grants:
    """What the actor may write now: waivers in their own name, those of published versions and those `known` besides."""
    versions = policy.versions.values_list("waived", flat=True) if policy.pk else ()
    return Grants(_names(policy, actor), (*(waiver for waived in versions for waiver in waived), *known))


def granted_in(draft: PolicyDraft, publisher: User) -> Grants:
    """What a draft may say where it is published: what was proven as it was saved, and what its publisher grants by publishing.

    A draft that was saved before grantors were proven has only the second.
    """
    return grants(draft.policy, actor_for_user(publisher, draft.policy.workspace), draft.granted)


def proven(document: Document, granted: Grants) -> list[Waiver]:
    """The waivers of a document whose grantor is known, as a draft keeps them."""
    waivers = document.plain.get("waivers") or ()
    return [dict(waiver) for waiver in waivers if waiver in granted.known or waiver["by"] in granted.names]


def name_for(policy: Policy, actor: Actor) -> str:
    """How a waiver names the actor: by name, or by email where another member of the workspace has that name."""
    return _names(policy, actor)[0]


def unproven(document: Document, place: Place, granted: Grants) -> Iterator[Problem]:
    """The new waivers that say somebody else granted them, each with its place in the text."""
    for number, waiver in _numbered(document, granted):
        if waiver["by"] not in granted.names:
            yield place(("waivers", number, "by"), _unproven(waiver, granted.names[0]))


def too_long(document: Document, place: Place, *, at: datetime, granted: Grants | None = None) -> Iterator[Problem]:
    """The waivers that hold longer than any may, each with its place; with `granted` only the new ones."""
    for number, waiver in _numbered(document, granted):
        if instant(waiver["expires"]) > at + MOST:
            last = f"{at + MOST:%Y-%m-%dT%H:%MZ}"
            yield place(
                ("waivers", number, "expires"), f"A waiver holds {MOST.days} days at most. Write {last} or earlier."
            )


def _numbered(document: Document, granted: Grants | None) -> Iterator[tuple[int, Waiver]]:
    known = granted.known if granted else ()
    return ((n, waiver) for n, waiver in enumerate(document.plain.get("waivers") or ()) if waiver not in known)


def _unproven(waiver: Waiver, name: str) -> str:
    return (
        f"{waiver['by'][:80]} did not grant waiver {waiver['id']} here: a waiver names who puts it into the policy. "
        f"Write {name}, or leave it as a published version has it."
    )


def _names(policy: Policy, actor: Actor) -> tuple[str, ...]:
    if actor.kind != "user":
        return (actor.name,)
    person = User.objects.get(pk=actor.id)
    members = User.objects.filter(memberships__workspace_id=policy.workspace_id)
    shared = members.filter(name__iexact=person.name).exclude(pk=person.pk).exists()
    return (person.email,) if shared else (person.name, person.email)
