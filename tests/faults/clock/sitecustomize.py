"""Gives a Python process another wall clock, before anything of it is imported. On the path of that process alone (F15).

REMIT_TEST_CLOCK is seconds, such as `-900`, or `0>-3600@0.2`: from 0.2 s after the start another offset. Monotonic time,
which is what a machine whose clock is set keeps, stays as it is.
"""

import datetime
import os
import re
import time

_parsed = re.fullmatch(r"(-?\d+)(?:>(-?\d+)@([\d.]+))?", os.environ.get("REMIT_TEST_CLOCK", "0"))
assert _parsed is not None
_first, _then, _after = float(_parsed[1]), float(_parsed[2] or _parsed[1]), float(_parsed[3] or 0)
_time, _time_ns, _start = time.time, time.time_ns, time.monotonic()
_real = datetime.datetime


def _offset() -> float:
    return _then if time.monotonic() - _start >= _after else _first


class Moved(_real):
    """`datetime.datetime`, whose now is the moved clock's."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls):
        return cls.fromtimestamp(time.time())


time.time = lambda: _time() + _offset()
time.time_ns = lambda: _time_ns() + int(_offset() * 1e9)
datetime.datetime = Moved
