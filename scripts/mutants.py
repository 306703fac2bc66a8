"""Run mutants that mutmut has made, each in a process of its own over tests that are collected once.

`make mutation` runs it inside `mutants/`, where mutmut has put the changed modules and which tests reach which function. A mutant
is noticed by the first test that fails, or by using more processor time than any may.
"""

import argparse
import gc
import json
import os
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from mutmut.configuration import config
from mutmut.mutation.trampoline import set_mutant_under_test

# Seconds of the processor for all tests of one mutant, far more than they take.
MOST_S = 120


def known() -> dict[str, list[str]]:
    """Module -> the names of its mutants."""
    found = {}
    for path in sorted(Path("policies").rglob("*.py.meta")):
        names = sorted(json.loads(path.read_text())["exit_code_by_key"])
        if names:
            found[path.name.removesuffix(".py.meta")] = names
    return found


class Runner:
    """A plugin of pytest that runs every chosen mutant where pytest would run its tests."""

    def __init__(self, chosen: dict[str, list[str]]) -> None:
        stats = json.loads(Path("mutmut-stats.json").read_text())
        self.tests, self.seconds = stats["tests_by_mangled_function_name"], stats["duration_by_test"]
        self.chosen, self.counts = chosen, {module: Counter[str]() for module in chosen}
        self.results = Path("mutants.json")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise SystemExit("The tests could not be collected.")
        items = {item.nodeid: item for item in session.items}
        gc.freeze()
        # In turn, so that what is known when it is stopped is a sample of each module.
        for name in (name for turn in zip_longest(*self.chosen.values()) for name in turn if name is not None):
            function = name.rpartition("__mutmut_")[0]
            reached = sorted(self.tests.get(function, ()), key=self.seconds.__getitem__)
            outcome = _outcome(name, [items[test] for test in reached if test in items])
            self.counts[function.split(".")[2]][outcome] += 1
            if outcome != "killed":
                say(f"{outcome:10} {name}")
            self.results.write_text(json.dumps(self.counts))
        return True

    def line(self, module: str) -> str:
        """How many of a module were noticed."""
        counts = self.counts[module]
        noticed, every = counts["killed"] + counts["too long"], counts.total()
        return f"{module}: {noticed} of {every} noticed, {100 * noticed / max(every, 1):.1f} %"


def say(text: str) -> None:
    """Print at once: a run is long."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _outcome(name: str, items: list[pytest.Item]) -> str:
    if not items:
        return "no tests"
    child = os.fork()
    if child == 0:
        _run(name, items)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "too long" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else "killed"
    return "survived" if os.WEXITSTATUS(status) == 0 else "killed"


def _run(name: str, items: list[pytest.Item]) -> None:
    """Never returns: what ends this process is the answer."""
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_S, MOST_S + 5))
    set_mutant_under_test(name)
    status = 1
    try:
        following: Iterator[Any] = iter([*items[1:], None])
        failed = any(report.failed for item in items for report in runtestprotocol(item, False, next(following)))
        status = int(failed)
    finally:
        os._exit(status)


def main() -> int:
    """Prints what survived, and a line for each module."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("patterns", nargs="*", default=["*"], help="names of mutants; * stands for anything")
    parser.add_argument("--sample", type=int, default=0, help="so many of each module, chosen by lot with a fixed seed")
    options = parser.parse_args()
    chosen = {}
    for module, names in known().items():
        wanted = [name for name in names if any(fnmatch(name, pattern) for pattern in options.patterns)]
        if wanted:
            few = min(options.sample or len(wanted), len(wanted))
            chosen[module] = random.Random(1).sample(wanted, few)  # noqa: S311  # Which are tried is no secret.
    settings = config()
    arguments = [*settings.pytest_add_cli_args_test_selection, *settings.pytest_add_cli_args]
    runner = Runner(chosen)
    code = pytest.main(["--rootdir=.", "-q", "--timeout=0", "-s", *arguments], plugins=[runner])
    say("\n".join(map(runner.line, chosen)))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
