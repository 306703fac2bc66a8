"""Which operation of a document reads what another one writes: offered for the diff, the version and the read-back. Pure.

INVARIANT: it is an admin's to say that both are about one record; the document's paths are a hint. What is chosen is pinned with
the tool. Held by tests/upstreams/test_openapi_looks.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from actions.offers import BadChoice, Choice, Offer
from actions.openapi.parts import BODY
from traces.canonical import digest_of

_NAMED = re.compile(r"{(\w+)}")
_QUERY = re.compile(r"{\?[^}]*}\Z")
# What is named in the answer of a call that makes a record, and stands in the path that reads it.
ID = "id"
NEEDS_VERSION = "It takes a change only with the version that was read (If-Match). Choose where its record is read."


def with_looks(offers: Sequence[Offer]) -> list[Offer]:
    """The same offers; those with an effect name the reads that may show their record, the one at their own path first."""
    reads = [one for one in offers if "read" in one.operation and not one.problem]
    return [_with(one, reads) if "write" in one.operation and not one.problem else one for one in offers]


def _with(offer: Offer, reads: Iterable[Offer]) -> Offer:
    found = [one.key for one in reads if _fits(offer, one)]
    own = [key for key in found if key == own_look(offer)]
    return replace(offer, looks=[*own, *(key for key in found if key not in own)])


def own_look(offer: Offer) -> str:
    """The read at the operation's own path, whether or not the document describes it."""
    method, _, path = offer.key.partition(" ")
    return f"GET {path}" if method != "POST" else ""


def _fits(offer: Offer, read: Offer) -> bool:
    """Whether the read needs nothing that the call does not name, and shows something of what is written."""
    missing = _in_path(read) - _in_path(offer)
    if set(read.input_schema.get("required") or ()) - _in_path(read):
        return False
    if _method(offer) == "DELETE":
        return not missing and read.key == own_look(offer)
    shown = set(read.answers) & set(_fields(offer))
    own = read.key == own_look(offer) and not read.answers
    makes = _method(offer) == "POST" and len(missing) == 1 and ID in offer.answers
    return bool(shown or own) and (not missing or makes)


def _method(offer: Offer) -> str:
    return str(offer.operation["write"]["method"])


def _fields(offer: Offer) -> Mapping[str, Any]:
    return (offer.input_schema["properties"].get(BODY) or {}).get("properties") or {}


def _in_path(offer: Offer) -> set[str]:
    return set(_NAMED.findall(_plain_path(offer)))


def _plain_path(offer: Offer) -> str:
    part = offer.operation.get("write") or offer.operation["read"]
    return _QUERY.sub("", part["path"])


def looked(offer: Offer, choice: Choice, others: Mapping[str, Offer]) -> Offer:
    """The offer with the read that an admin chose in its operation. Raises BadChoice."""
    if not choice.look:
        if offer.precondition == "must":
            raise BadChoice(f"{offer.key}: {NEEDS_VERSION}")
        return offer
    operation, read = dict(offer.operation), others.get(choice.look)
    if read is None or choice.look not in offer.looks:
        raise BadChoice(f"{offer.key}: {choice.look[:120]} does not show what it writes. Choose one of those offered.")
    operation |= _at(offer, read)
    versioned = offer.precondition == "must" or (offer.precondition == "may" and read.has_version)
    if versioned and "read" in operation:
        operation["write"] = {**operation["write"], "if_match": True}
    pinned = {"key": read.key, "digest": digest_of(dict(read.operation["openapi"]))}
    operation["openapi"] = {**operation["openapi"], "look": pinned}
    _promised(offer, choice, operation)
    return replace(offer, operation=operation)


def _at(offer: Offer, read: Offer) -> dict[str, Any]:
    """Where the record is read: before and after, or, where the call makes it, after alone by the id of the answer."""
    missing = _in_path(read) - _in_path(offer)
    if not missing:
        return {"read": {"path": _plain_path(read), "scope": read.operation["read"]["scope"]}}
    return {"read_created": {"path": _plain_path(read).replace(f"{{{missing.pop()}}}", f"{{{ID}}}")}}


def _promised(offer: Offer, choice: Choice, operation: Mapping[str, Any]) -> None:
    """Raises BadChoice for a promise to restore fields that the method cannot keep."""
    if choice.reversibility == "reversible" and "read" in operation and _method(offer) != "PATCH":
        raise BadChoice(
            f"{offer.key}: Only PATCH changes parts of a record, so only its fields can be restored. Say compensable or "
            "irreversible."
        )


def pinned_now(pinned: Mapping[str, Any], now: Offer, others: Mapping[str, Offer]) -> dict[str, Any]:
    """What would be pinned of an operation and its read as a document describes them now."""
    found = dict(now.operation["openapi"])
    if "look" in pinned:
        key = pinned["look"]["key"]
        read = others.get(key)
        usable = read is not None and key in now.looks
        described = dict(read.operation["openapi"]) if read is not None and usable else None
        found["look"] = {"key": key, "digest": digest_of(described)}
    return found
