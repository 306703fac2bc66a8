"""The last step before an allowed program: `python -I -S launch.py JSON PROGRAM …` takes rights and room away, then becomes it.

It runs in a process of its own, because what happens between fork and exec of a process with threads can hang. It imports
nothing of Remit's. Whatever cannot be taken away ends it: a program is never started with more than was meant (A-05).
"""

import ctypes
import json
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def main(arguments: list[str]) -> None:
    """Never returns: it becomes the program, or raises and ends."""
    told, argv = json.loads(arguments[0]), arguments[1:]
    if told["uid"] is not None:
        os.setgroups([])
        os.setresgid(told["gid"], told["gid"], told["gid"])
        os.setresuid(told["uid"], told["uid"], told["uid"])
    for name, most in told["limits"].items():
        _limit(getattr(resource, name), most)
    if sys.platform == "linux":
        _kernel(PR_SET_NO_NEW_PRIVS, 1)
        _kernel(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execve(argv[0], argv, dict(os.environ))  # noqa: S606 - the operator's exact arguments, no shell


def _limit(what: int, most: int) -> None:
    """No more than `most`, and no more than there was."""
    _, hard = resource.getrlimit(what)
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (least, least))


def _kernel(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main(sys.argv[1:])
