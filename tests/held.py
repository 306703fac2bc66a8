"""A request's row that somebody else holds, while this connection waits for a moment only."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from approvals.models import ApprovalRequest


@contextmanager
def row_held(request_id: str) -> Iterator[None]:
    """Needs real commits (`transactional_db`)."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
            held.set()
            done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '300ms'")
    try:
        yield
    finally:
        done.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
