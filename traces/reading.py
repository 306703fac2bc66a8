"""How the database is to read a list: along an index that is in order, or by what inverted indexes gather.

It chooses the wrong one of the two where its statistics say little, of words and of arrays above all, and then sorts a million
rows for a page of fifty. So a list says which it wants. Plans are made anew for each question, because how common a value is
decides, and are not compiled: that takes longer than a page.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

WAYS = ("bitmapscan", "sort", "hashjoin", "mergejoin", "seqscan", "indexscan", "indexonlyscan")
# Ways that are not taken where there is another.
FREE = frozenset[str]()
IN_ORDER = frozenset({"bitmapscan", "sort", "hashjoin", "mergejoin", "seqscan"})
GATHERED = frozenset({"indexscan", "indexonlyscan", "seqscan"})
# Each day is gathered, and put in order no sooner than its turn comes.
BY_DAY = GATHERED | {"sort", "hashjoin", "mergejoin"}
FOR_A_PAGE = {"plan_cache_mode": "force_custom_plan", "jit": "off", "max_parallel_workers_per_gather": "0"}


_said: ContextVar[frozenset[str] | None] = ContextVar("_said", default=None)


@contextmanager
def reading() -> Iterator[None]:
    """A transaction in which `prefer` may be said; its settings end with the block."""
    inside = connection.in_atomic_block
    with transaction.atomic():
        token = _said.set(None)
        yield
        _said.reset(token)
        if inside:  # The other transaction goes on as the database's owner set it up.
            _set(dict.fromkeys([*FOR_A_PAGE, *(f"enable_{way}" for way in WAYS)]))


def prefer(without: frozenset[str]) -> None:
    """From here to the end of the block the ways of `without` are taken only where there is no other."""
    if _said.get() != without:
        _set({**FOR_A_PAGE, **{f"enable_{way}": "off" if way in without else None for way in WAYS}})
        _said.set(without)


def _set(settings: Mapping[str, str | None]) -> None:
    """Settings of this transaction; None is what they are outside it."""
    asked = ", ".join("set_config(%s, %s, true)" for _ in settings)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", [part for pair in settings.items() for part in pair])
