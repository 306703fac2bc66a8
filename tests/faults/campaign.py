"""Runs real actions in processes that are killed at random instants, then lets sweeper and workers bring them to rest."""

import os
import random
import signal
import time
from collections.abc import Callable

import httpx
from django.db import connections

from actions.models import Action
from actions.propose import Place, prepare, record_proposal
from actions.states import State
from actions.sweep import sweep
from actions.tasks import run_action
from tests.builders import opened
from tests.faults.judge import Told, Verdict, judge
from tests.remote.running import RunningRemote
from traces.ledger import verify
from traces.models import Entry

RESTLESS = [State.AUTHORIZED, State.CLAIMED, State.DISPATCHING, State.UNKNOWN]
REST_S = 120


def authorized(cast, klass: str) -> Action:
    """One action that may run and that nobody has run."""
    tool, given = f"shop.order.{klass}", {"item": "tea", "amount": 1}
    trace = opened(cast)
    place = Place(trace, cast.agent, trace.on_behalf_of, 1)
    found = record_proposal(
        actor=cast.agent_actor, place=place, prepared=prepare(agent=cast.agent, name=tool, arguments=given)
    )
    assert found.state == "authorized", found.detail
    return found


def in_a_process(work: Callable[[], None]) -> int:
    """Fork and run; no connection is shared with the child."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def killed(action: Action, after_s: float, run: Callable[[str], None], number: int = signal.SIGKILL) -> None:
    """Run one action in a process and end that process after a while, wherever it is."""
    pid = in_a_process(lambda: run(action.pk))
    time.sleep(after_s)
    os.kill(pid, number)
    os.waitpid(pid, 0)


def takes_s(action: Action) -> float:
    """How long one unharmed run takes here and now, so that kills fall anywhere inside one."""
    began = time.monotonic()
    os.waitpid(in_a_process(lambda: run_action(action.pk)), 0)
    return time.monotonic() - began


def stopped(action: Action, after_s: float, for_s: float) -> None:
    """Stop the process beyond its lease, then let it go on: a zombie that wakes up (F10)."""
    pid = in_a_process(lambda: run_action(action.pk))
    time.sleep(after_s)
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(for_s)
        sweep()
    finally:
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)


def come_to_rest(actions: list[Action]) -> None:
    """What the sweeper and unharmed workers do afterwards."""
    ids, until = [action.pk for action in actions], time.monotonic() + REST_S + len(actions)
    while time.monotonic() < until:
        sweep()
        restless = list(Action.objects.filter(pk__in=ids, state__in=RESTLESS).values_list("pk", flat=True))
        if not restless:
            return
        for action_id in restless:
            run_action(action_id)
        time.sleep(0.2)


def naive(base_url: str, secret: str) -> Callable[[str], None]:
    """The worker everybody writes first: send, retry what failed, write down that it is done. It keeps no intent."""

    def run(action_id: str) -> None:
        action = Action.objects.get(pk=action_id)
        head = {"Authorization": f"Bearer {secret}", "X-Action-Id": action_id}
        for _ in range(3):
            try:
                url = f"{base_url}/{action.tool_name[-1]}/orders"
                if httpx.post(url, json=action.arguments, headers=head, trust_env=False).status_code == 201:
                    break
            except httpx.TransportError:
                continue
        Action.objects.filter(pk=action_id).update(**{"state": "succeeded"})

    return run


def verdict(actions: list[Action], remote: RunningRemote) -> Verdict:
    """The judge's word on these actions, and that every ledger of theirs holds."""
    mine = {action.pk for action in actions}
    effects: dict[str, int] = {}
    for effect in remote.truth()["effects"]:
        if effect["action"] in mine:
            effects[effect["action"]] = effects.get(effect["action"], 0) + 1
    told = []
    for action in Action.objects.filter(pk__in=mine).select_related("trace"):
        assert verify(action.trace).ok
        types = Entry.objects.filter(trace=action.trace).order_by("seq").values_list("type", flat=True)
        told.append(Told(action.pk, action.tool_name[-1], action.state, tuple(types), action.epoch is not None))
    return judge(told, effects)


def delays(count: int, seed: int, longest_s: float) -> list[float]:
    """Random instants, the same for the same seed."""
    die = random.Random(seed)
    return [die.uniform(0.0, longest_s) for _ in range(count)]
