"""`python -m benchmarks.engine`: what a decision costs, beside Cedar doing the same work in the same run.

The work: 100 rules (role x tool permits), an allowlist of ten field names, one numeric limit, one prohibition. Policies are
parsed beforehand on both sides and both explain themselves. Figures are ratios, because machines differ; the time of one
decision is shown so that the ratio can be judged.
"""

import argparse
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import cedarpy

from policies.engine.decide import decide
from policies.engine.document import load
from policies.engine.parts import Document
from policies.engine.selftest import request_from
from policies.engine.types import Request

FIELDS = [f"f{number}" for number in range(10)]
TOOLS = 10
CEL = (
    "args.amount <= record.charged - record.refunded",
    'requester.groups.exists(g, g == "support")',
    'has(record.region) && record.region in ["EU", "US"]',
)
SIZES = (100, 1_000, 10_000)


def document(rules: int, expressions: int = 0) -> Document:
    """A policy of `rules` permits over ten tools a role, with the limit, the prohibition and some invariants."""
    lines = ["policy: {slug: bench, name: Bench}", "roles:"]
    for role in range(rules // TOOLS):
        lines += [f" r{role}:", "  tier: autonomous", "  tools:", *(f"   t{tool}: {{}}" for tool in range(TOOLS))]
        lines += ["  fields:", f"   thing: {{write: [{','.join(FIELDS)}]}}"]
    lines += [
        "limits: [{id: most, when: {}, kind: money, per: action, max: 10000, currency: USD, over: deny}]",
        "invariants:",
    ]
    lines += [" - {id: never, when: {tools: [t9]}, forbid: 'true', reason: This tool is never used.}"]
    lines += [
        f" - {{id: i{number}, when: {{}}, reason: Not so., require: '{CEL[number]}'}}" for number in range(expressions)
    ]
    return load("\n".join(lines))


def crowded(rules: int) -> Document:
    """A policy whose `rules` are limits of other tools, of which one speaks of each call."""
    lines = ["policy: {slug: crowd, name: Crowd}", "roles: {r0: {tier: autonomous, tools: {"]
    lines += [f" t{tool}: {{}}," for tool in range(TOOLS)] + [
        "}, fields: {thing: {write: [" + ",".join(FIELDS) + "]}}}}",
        "limits:",
    ]
    lines += [
        f"- {{id: l{n}, when: {{tools: [t{n}]}}, kind: count, per: agent, max: 9, window: 1d, over: deny}}"
        for n in range(rules)
    ]
    return load("\n".join(lines))


def call(role: int, tool: int) -> Request:
    """One tool call that is allowed: ten fields, an amount within the limit."""
    facts = {"name": f"t{tool}", "resource_type": "thing", "effect_class": "write", "reversibility": "reversible"}
    return request_from(
        {
            "role": f"r{role}", "tool": facts, "fields": dict.fromkeys(FIELDS, 1), "arguments": {"amount": 5},
            "money": {"amount": 5, "currency": "USD"}, "requester": {"groups": ["support"]},
            "record": {"charged": 100, "refunded": 0, "region": "EU"},
        }
    )  # fmt: skip


def cedar() -> Callable[[], Any]:
    """The same decision by Cedar, all that can be parsed parsed."""
    tests = f"{json.dumps(FIELDS)}.containsAll(context.fields) && context.amount <= 10000"
    permits = [
        f'permit(principal in Role::"r{role}", action == Action::"t{tool}", resource) when {{ {tests} }};'
        for role in range(100 // TOOLS)
        for tool in range(TOOLS)
    ]
    policies = cedarpy.PolicySet.from_str("\n".join([*permits, 'forbid(principal, action == Action::"t9", resource);']))
    role = {"type": "Role", "id": "r3"}
    people = [
        {"uid": {"type": "User", "id": "u"}, "attrs": {}, "parents": [role]},
        {"uid": role, "attrs": {}, "parents": []},
    ]
    entities = cedarpy.Entities.from_json_str(json.dumps(people))
    context = {"fields": FIELDS, "amount": 5}
    request = {"principal": 'User::"u"', "action": 'Action::"t1"', "resource": 'Thing::"x"', "context": context}
    if not cedarpy.is_authorized(request, policies, entities).allowed:
        raise SystemExit("Cedar denies what should be allowed: the two do not do the same work.")
    return lambda: cedarpy.is_authorized(request, policies, entities)


def ours(found: Document) -> Callable[[], Any]:
    """The decision by the engine."""
    request = call(3, 1)
    if decide(found, request).effect != "allow":
        raise SystemExit("Remit denies what should be allowed: the two do not do the same work.")
    return lambda: decide(found, request)


def seconds(work: Callable[[], Any], number: int) -> float:
    """Of the processor, for one run of the work in a batch."""
    started = time.process_time()
    for _ in range(number):
        work()
    return (time.process_time() - started) / number


def speeds(rounds: int) -> dict[str, float]:
    """The best of several rounds, in which everything takes its turn, so that one slow moment hits all alike."""
    works = {"cedar": (cedar(), 300)} | {f"cel {n}": (ours(document(100, n)), 3000) for n in (0, 1, 3)}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, (work, number) in works.items():
            taken[name].append(seconds(work, number))
    return {name: min(found) for name, found in taken.items()}


def tails(documents: dict[str, Document], roles: Callable[[str], int], rounds: int) -> dict[str, dict[str, float]]:
    """By size: median and 99th percentile of calls whose role and tool are known (warm), and of their first calls (cold).

    The sizes take turns within a round, so that one slow moment hits all alike.
    """
    pick = random.Random(1)  # noqa: S311  # Which calls are made is no secret.
    calls = {
        name: [call(pick.randrange(roles(name)), pick.randrange(TOOLS - 1)) for _ in range(100)] for name in documents
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in documents}
    for _ in range(rounds):
        for name, document in documents.items():
            cold = sorted(_first(document, calls[name] * 5))
            warm = sorted(list(_each(document, calls[name] * 21))[len(calls[name]) :])
            found[name].append(
                {"p50": _at(warm, 50), "p99": _at(warm, 99), "cold_p50": _at(cold, 50), "cold_p99": _at(cold, 99)}
            )
    return {name: {key: min(one[key] for one in some) for key in some[0]} for name, some in found.items()}


def crowd(document: Document, rounds: int) -> dict[str, float]:
    """Every role and tool of the largest document in turn, again and again: the median and 99th percentile of later rounds."""
    calls = [call(role, tool) for role in range(SIZES[-1] // TOOLS) for tool in range(TOOLS - 1)]
    list(_each(document, calls))
    laps = [sorted(_each(document, calls)) for _ in range(min(rounds, 5))]
    return {"pairs": len(calls), "p50": min(_at(lap, 50) for lap in laps), "p99": min(_at(lap, 99) for lap in laps)}


def _at(taken: list[float], percent: int) -> float:
    return taken[len(taken) * percent // 100]


def _each(document: Document, calls: list[Request]) -> Iterator[float]:
    """Seconds of the processor: on a clock, the 99th percentile would be what other processes took."""
    for request in calls:
        started = time.thread_time()
        decide(document, request)
        yield time.thread_time() - started


def _first(document: Document, calls: list[Request]) -> Iterator[float]:
    """Each call as the first of its role and tool."""
    for request in calls:
        document.plans.clear()
        yield from _each(document, [request])


def measure(rounds: int) -> dict[str, Any]:
    """All figures."""
    loading, sized = {}, {}
    for size in SIZES:
        started = time.process_time()
        sized[str(size)] = document(size)
        loading[str(size)] = time.process_time() - started
    crowds = {str(size): crowded(size) for size in (100, 1_000, 2_500)}
    gc.collect()
    gc.freeze()
    permits = tails(sized, lambda name: int(name) // TOOLS, rounds)
    limits = tails(crowds, lambda name: 1, rounds)
    every = crowd(sized[str(SIZES[-1])], rounds)
    return {
        "decision_s": speeds(rounds),
        "load_s": loading,
        "permits": permits,
        "limits": limits,
        "every_pair_in_turn": every,
    }


def report(found: dict[str, Any]) -> Iterator[str]:
    """The figures as lines; every one a ratio to something measured in this run."""
    speed = found["decision_s"]
    yield f"cedarpy, 100 rules                        {speed['cedar'] * 1e6:8.1f} us"
    for count in (0, 1, 3):
        taken = speed[f"cel {count}"]
        words = f"remit, 100 rules, {count} CEL invariants" if count else "remit, 100 rules"
        yield f"{words:40}  {taken * 1e6:8.1f} us   {speed['cedar'] / taken:6.1f} x the decisions per second"
    for kind in ("permits", "limits"):
        base = next(iter(found[kind].values()))
        for size, taken in found[kind].items():
            for state, key in (("known", ""), ("first call", "cold_")):
                ratio = f"{taken[f'{key}p99'] / base[f'{key}p99']:5.2f} x that of the smallest"
                times = f"p50 {taken[f'{key}p50'] * 1e6:6.1f} us  p99 {taken[f'{key}p99'] * 1e6:6.1f} us"
                yield f"{size:>6} {kind:8} {state:10} {times}  {ratio}"
    every, smallest = found["every_pair_in_turn"], next(iter(found["permits"].values()))
    yield (
        f"{every['pairs']:,} roles and tools in turn   p50 {every['p50'] * 1e6:6.1f} us  p99 {every['p99'] * 1e6:6.1f} us  "
        f"{every['p99'] / smallest['p99']:5.2f} x the p99 of a hundred of 100 permits"
    )
    for size, taken in found["load_s"].items():
        yield f"{size:>6} permits load in {taken:6.2f} s"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.rounds)
    sys.stdout.write(json.dumps(found, indent=1) if options.json else "\n".join(report(found)))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
