"""What holds of every document and every call (T8, A-01). `REMIT_EXAMPLES` says how many of each are tried."""

import os
import random
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import rfc8785
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from policies.engine.decide import decide
from tests.policies import generated as made
from tests.policies.generated_calls import REQUESTS

EXAMPLES = int(os.environ.get("REMIT_EXAMPLES", "60"))
RANK = {"allow": 0, "draft": 1, "approval": 2, "deny": 3}
ROOT = Path(__file__).parents[2]
# Lists whose order is theirs: steps follow each other, and separation is shown as it is written.
ORDERED = {"steps", "separation"}

many = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
requests = st.sampled_from(REQUESTS)
words = st.text(max_size=30)


@st.composite
def loaded(draw):
    plain = draw(made.documents())
    document = made.loads(plain)
    assume(document is not None)
    return plain, document


def said(document, request, **changed):
    """The decision's bytes, but for the digest: that follows the order of lists."""
    decision = decide(document, replace(request, **changed)).to_json()
    return rfc8785.dumps({**decision, "policy": {**decision["policy"], "digest": ""}})


@many
@given(loaded(), requests, words)
def test_deny_by_default(found, request, name):
    plain, document = found
    assert decide(document, replace(request, role=f"{name}?")).effect == "deny"
    assert decide(document, replace(request, tool=replace(request.tool, name=f"{name}?"))).effect == "deny"
    listed = plain["roles"].get(request.role, {"tools": {}})["tools"]
    assert request.tool.name in listed or decide(document, request).effect == "deny"


@many
@given(loaded(), requests, st.dictionaries(words, st.none() | words | st.lists(words), min_size=1, max_size=3))
def test_an_unlisted_field_is_never_written(found, request, fields):
    _, document = found
    decision = decide(document, replace(request, fields=fields))
    unlisted = {name for name in fields if name not in made.PATHS or "." in name}
    assert decision.effect == "deny" or unlisted <= set(decision.refused_fields)


@many
@given(
    loaded(),
    st.lists(requests, min_size=5, max_size=5),
    st.sampled_from(("record.missing.deep == 1", "1 / 0 == 1", "args")),
)
def test_an_error_denies(found, asked, expression):
    plain, _ = found
    for key in ("require", "forbid"):
        broken = {"id": "broken", "when": {}, "reason": "No.", key: expression}
        document = made.loads({**plain, "invariants": [*plain["invariants"], broken]})
        assert {decide(document, request).effect for request in asked} == {"deny"}


def shuffled(value, pick, name=""):
    if isinstance(value, dict):
        return {key: shuffled(value[key], pick, key) for key in pick.sample(list(value), len(value))}
    if isinstance(value, list):
        items = [shuffled(item, pick) for item in value]
        return items if name in ORDERED else pick.sample(items, len(items))
    return value


def turned(value, pick):
    """A record of a call with its names in another order; its lists keep theirs."""
    if isinstance(value, dict):
        return {key: turned(value[key], pick) for key in pick.sample(list(value), len(value))}
    return [turned(item, pick) for item in value] if isinstance(value, list) else value


@many
@given(loaded(), st.lists(requests, min_size=5, max_size=5), st.integers())
def test_the_order_things_are_written_in_decides_nothing(found, asked, seed):
    plain, document = found
    pick = random.Random(seed)
    other = made.loads(shuffled(deepcopy(plain), pick))
    for request in asked:
        parts = {name: turned(getattr(request, name), pick) for name in ("arguments", "fields", "record", "agent")}
        assert said(document, request) == said(other, request, **parts)


@many
@given(loaded(), requests, words)
def test_a01_nothing_an_agent_says_of_itself_is_read(found, request, prose):
    """The call has no place for intent or justification, and what stands where no rule looks changes nothing."""
    _, document = found
    assert set(request.__dataclass_fields__) == {
        "role", "agent", "requester", "tool", "arguments", "fields", "record", "money", "recipients", "usage", "at", "tripped",
    }  # fmt: skip
    told = {"arguments": {**request.arguments, "intent": prose}, "agent": {**request.agent, "purpose": prose}}
    assert said(document, request, **told) == said(document, request)


class Tightening(RuleBasedStateMachine):
    """A document that is only ever made stricter, and calls that never get more than they had."""

    @initialize(found=loaded(), asked=st.lists(requests, min_size=8, max_size=8))
    def start(self, found, asked):
        self.plain, self.document = found
        self.asked, self.added, self.before = asked, 0, [decide(self.document, request) for request in asked]

    def become(self, plain):
        """Take the edit where it still loads: a rule may clash with one that is there."""
        document = made.loads(plain)
        if document is not None:
            self.plain, self.document = plain, document

    def add(self, section, item):
        self.added += 1
        self.become({**self.plain, section: [*self.plain[section], item | {"id": f"n{self.added}"}]})

    @rule(item=made.invariants())
    def add_invariant(self, item):
        self.add("invariants", item)

    @rule(item=made.limits())
    def add_limit(self, item):
        self.add("limits", item)

    @rule(item=made.freezes)
    def add_freeze(self, item):
        self.add("freezes", item)

    @rule(item=made.breakers())
    def add_breaker(self, item):
        self.add("breakers", item)

    @rule(number=st.integers(0, 3))
    def lower_a_limit(self, number):
        plain = deepcopy(self.plain)
        for limit in plain["limits"][number : number + 1]:
            limit["max"] //= 2
        self.become(plain)

    @rule(role=made.roles, kind=made.kinds, number=st.integers(0, 3))
    def unlist_a_field(self, role, kind, number):
        plain = deepcopy(self.plain)
        rule = plain["roles"].get(role, {}).get("fields", {}).get(kind, {})
        del rule.get("write", [])[number : number + 1]
        self.become(plain)

    @rule(role=made.roles, name=made.tools, off=st.booleans())
    def take_a_tool_away(self, role, name, off):
        plain = deepcopy(self.plain)
        tools = plain["roles"].get(role, {}).get("tools", {})
        if off and name in tools:
            tools[name] = {"mode": "off"}
        elif not off:
            tools.pop(name, None)
        self.become(plain)

    @rule(role=made.roles, kind=made.kinds, atom=st.sampled_from(made.ATOMS))
    def narrow_a_scope(self, role, kind, atom):
        plain = deepcopy(self.plain)
        if role in plain["roles"]:
            scopes = plain["roles"][role].setdefault("scopes", {})
            scopes[kind] = f"({scopes[kind]}) && {atom}" if kind in scopes else atom
        self.become(plain)

    @invariant()
    def nothing_is_allowed_more(self):
        for number, request in enumerate(getattr(self, "asked", ())):
            old, new = self.before[number], decide(self.document, request)
            assert RANK[new.effect] >= RANK[old.effect], (self.plain, request)
            assert new.effect == "deny" or set(new.refused_fields) >= set(old.refused_fields), (self.plain, request)
            self.before[number] = new


TestTightening = Tightening.TestCase
TestTightening.settings = settings(many, stateful_step_count=12)

PRINTED = """
import hashlib, rfc8785
from policies.engine.decide import decide
from policies.engine.document import load
from policies.engine.rows import visible
from policies.engine.yaml_out import dump
from tests.policies.generated_calls import RECORDS, REQUESTS
from tests.policies.test_properties import EVERYTHING
document = load(dump(EVERYTHING))
said = [decide(document, request).to_json() for request in REQUESTS]
shown = [visible(document, role, "acct", record) for role in document.roles for record in RECORDS if record]
said += [[one.value, list(one.withheld), list(one.masked)] for one in shown]
print(hashlib.sha256(rfc8785.dumps(said)).hexdigest(), len(said))
"""
EVERYTHING = {
    "policy": {"slug": "everything", "name": "Everything"},
    "roles": {"helper": {**deepcopy(made.OPEN), "scopes": {"acct": 'record.region == "EU"'}}, "lead": {"tier": "execute-with-approval", "tools": {
        "pay.create": {}, "acct.update": {}}, "fields": {"acct": {"read": ["name"], "write": ["name", "address.city"], "mask": {"lines": "line"}}}}},
    "routes": {"one": {"steps": [{"name": "A", "group": "a"}]}, "two": {"steps": [{"name": "B", "group": "b"}]}},
    "redact": {"acct": {"address": "place", "name": "name"}},
    "invariants": [{"id": f"i{number}", "when": {}, "reason": "Not so.", "require": atom} for number, atom in enumerate(
        (*made.ATOMS, "record.all(x, x != record[x])", "record.lines.exists(x, x.amount > 0)", "args + 1 == 1"))],
    "limits": [{"id": "l1", "when": {}, "kind": "money", "per": "agent", "max": 50, "currency": "USD", "window": "1h", "over": "deny"},
               {"id": "l2", "when": {}, "kind": "money", "per": "action", "max": 50, "currency": "USD", "over": "approval", "route": "one"}],
    "freezes": [{"id": "f1", "when": {"tools": ["acct.update", "pay.create"]}, "reason": "Shut.", **made.SPANS[3]}],
    "breakers": [{"id": "r1", "when": {}, "on": "failures", "per": "agent", "max": 3, "window": "1h"}],
}  # fmt: skip


def test_the_same_inputs_give_the_same_bytes_in_every_process():
    path = os.pathsep.join((str(ROOT), str(ROOT / "client")))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    command = [sys.executable, "-W", "ignore", "-c", PRINTED]
    printed = {
        subprocess.run(command, env={**environment, "PYTHONHASHSEED": str(seed)}, capture_output=True, text=True, check=True, cwd=ROOT).stdout
        for seed in (0, 1, 2, 12345)
    }  # fmt: skip
    assert len(printed) == 1 and printed.pop().strip()
