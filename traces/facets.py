"""What a trace can be found by, as its ledger entries say: tools, records, rules, policy versions, people. Pure.

Lists filter by these texts, `kind:value`; the page itself is told from the entries. Migration 0009 reads older ones alike.
"""

from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 140


def facets_of(record: Mapping[str, Any]) -> set[str]:
    """The facets one hashed record adds. Withheld leaves are no texts, so they are never among them (R-42)."""
    body = record["body"]
    found = {
        *_of("tool", (body.get("tool") or {}).get("name") if isinstance(body.get("tool"), Mapping) else None),
        *_of(
            "record", (body.get("target") or {}).get("record_id") if isinstance(body.get("target"), Mapping) else None
        ),
        *_of("record", body.get("remote_id")),
        *_people(record),
    }
    decision = body.get("decision")
    return found | set(_decided(decision)) if isinstance(decision, Mapping) else found


def _of(kind: str, value: Any) -> Iterable[str]:
    return [facet(kind, value)] if isinstance(value, str) and value else []


def facet(kind: str, value: str) -> str:
    """`record:acct_5521`, cut where the column ends."""
    return f"{kind}:{value}"[:LONGEST]


def _people(record: Mapping[str, Any]) -> Iterable[str]:
    """Who asked, and who decided or acted as themselves."""
    if record["type"] == "trace.opened":
        yield from _of("person", (record["body"].get("on_behalf_of") or {}).get("id"))
    if record["actor"]["kind"] == "user" and not record["type"].startswith("trace."):
        yield from _of("person", record["actor"]["id"])


def _decided(decision: Mapping[str, Any]) -> Iterable[str]:
    """The policy version that decided, and the rules that did not pass."""
    policy = decision.get("policy")
    if policy:
        yield from (facet("policy", policy["slug"]), facet("policy", f"{policy['slug']}@{policy['version']}"))
    for check in decision.get("checks", ()):
        if check["outcome"] != "passed":
            yield from _of("rule", check["rule"])
