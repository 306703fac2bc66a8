"""Runs real actions in processes that are killed at random instants, then lets sweeper and workers bring them to rest."""

import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable

import httpx
from django.db import connections

from accounts.scopes import EVERYTHING
from actions.models import Action
from actions.propose import Place, prepare, record_proposal
from actions.states import State
from actions.sweep import sweep
from actions.tasks import run_action
from tests.builders import opened
from tests.faults.judge import Told, Verdict, judge
from tests.loopback import http
from tests.remote.running import RunningRemote
from traces.checkpoints.clock import tick
from traces.ledger import verify
from traces.models import Entry

RESTLESS = [State.AUTHORIZED, State.CLAIMED, State.DISPATCHING, State.UNKNOWN]
REST_S = 120
# So many workers at once, as an installation has them.
WIDTH = 3


def authorized(cast, klass: str, *, state: str = "authorized") -> Action:
    """One action that may run, or waits for people, and that nobody has run."""
    tool, given = f"shop.order.{klass}", {"item": "tea", "amount": 1}
    trace = opened(cast)
    place = Place(trace, cast.agent, trace.on_behalf_of, 1)
    found = record_proposal(
        actor=cast.agent_actor,
        place=place,
        prepared=prepare(agent=cast.agent, name=tool, arguments=given, effects=EVERYTHING),
    )
    assert found.state == state, found.detail
    return found


def in_a_process(work: Callable[[], None]) -> int:
    """Fork and run; no connection is shared with the child."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except Exception:
        # Often what a test is after; where it is not, this says why.
        traceback.print_exc()
    finally:
        os._exit(0)


def killed(action: Action, after_s: float, run: Callable[[str], None], number: int = signal.SIGKILL) -> None:
    """Run one action in a process and end that process after a while, wherever it is."""
    pid = in_a_process(lambda: run(action.pk))
    time.sleep(after_s)
    os.kill(pid, number)
    os.waitpid(pid, 0)


def killed_all(actions: list[Action], delays_s: list[float], run: Callable[[str], None]) -> int:
    """Run each in a process of its own, WIDTH at a time, and end each at its instant; how many were still at work then."""
    waiting, running, struck = list(zip(actions, delays_s, strict=True)), dict[int, float](), 0
    while waiting or running:
        while waiting and len(running) < WIDTH:
            action, after_s = waiting.pop()
            pid = in_a_process(lambda pk=action.pk: run(pk))
            running[pid] = time.monotonic() + after_s
        for pid in [pid for pid, at in running.items() if at <= time.monotonic()]:
            os.kill(pid, signal.SIGKILL)
            struck += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
            del running[pid]
        if len(waiting) % 50 == 0:
            tick()  # The clock goes on: without checkpoints nothing is dispatched (F13).
        time.sleep(0.002)
    return struck


def takes_s(actions: list[Action]) -> float:
    """How long unharmed runs take here and now, side by side, so that kills fall anywhere inside one."""
    began = time.monotonic()
    for pid in [in_a_process(lambda pk=action.pk: run_action(pk)) for action in actions]:
        os.waitpid(pid, 0)
    return time.monotonic() - began


def where(actions: list[Action], remote: RunningRemote) -> Counter[str]:
    """Which window of the fault matrix each was killed in, by our row and by the remote's truth (F6 to F9)."""
    truth = remote.truth()
    effects, answered = {one["action"] for one in truth["effects"]}, set(truth["answered"])

    def window(id_: str, state: str) -> str:
        if state != State.DISPATCHING:
            return {State.AUTHORIZED: "before the claim", State.CLAIMED: "F6"}.get(State(state), "after the result")
        return "F7" if id_ not in effects else ("F9" if id_ in answered else "F8")

    ids = [action.pk for action in actions]
    return Counter(window(*row) for row in Action.objects.filter(pk__in=ids).values_list("pk", "state"))


def stopped_all(actions: list[Action], delays_s: list[float], for_s: float) -> Counter[str]:
    """Stop processes beyond their lease, a few at a time, then let them go on: zombies that wake up (F10, F18).

    Returns in which states they were when the sweeper had come by.
    """
    found: Counter[str] = Counter()
    for at in range(0, len(actions), WIDTH):
        mine, pids = actions[at : at + WIDTH], []
        for action, after_s in zip(mine, delays_s[at:], strict=False):
            pids.append(in_a_process(lambda pk=action.pk: run_action(pk)))
            time.sleep(after_s)
            os.kill(pids[-1], signal.SIGSTOP)
        try:
            time.sleep(for_s)
            tick()
            sweep()
            found.update(Action.objects.filter(pk__in=[one.pk for one in mine]).values_list("state", flat=True))
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            for pid in pids:
                os.waitpid(pid, 0)
    return found


def come_to_rest(actions: list[Action]) -> None:
    """What the sweeper and unharmed workers do afterwards."""
    ids, until = [action.pk for action in actions], time.monotonic() + REST_S + len(actions)
    while time.monotonic() < until:
        tick()
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
                if http.post(url, json=action.arguments, headers=head).status_code == 201:
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
        mine_alone = Entry.objects.filter(trace=action.trace, canonical__contains=f'"action":"{action.pk}"')
        types = mine_alone.order_by("seq").values_list("type", flat=True)
        told.append(Told(action.pk, action.tool_name[-1], action.state, tuple(types), action.epoch is not None))
    return judge(told, effects)


def delays(count: int, seed: int, longest_s: float) -> list[float]:
    """Random instants, the same for the same seed."""
    die = random.Random(seed)
    return [die.uniform(0.0, longest_s) for _ in range(count)]
