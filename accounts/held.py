"""Rights that are relied on hold still: until the caller's transaction ends, whoever would take one away waits."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

# Rows of which nobody may update or delete one meanwhile. New rows only ever give.
_PRINCIPALS = (
    "SELECT 1 FROM accounts_agent a, accounts_user u WHERE a.id = %s AND u.id = ANY(%s) ORDER BY u.id FOR SHARE"
)
_ROLES = "SELECT 1 FROM accounts_membership WHERE workspace_id = %s AND user_id = ANY(%s) ORDER BY id FOR SHARE"
_GROUPS = """SELECT 1 FROM accounts_groupmembership m JOIN accounts_group g ON g.id = m.group_id
    WHERE g.workspace_id = %s AND m.user_id = ANY(%s) ORDER BY m.id FOR SHARE OF m"""
_TOKEN = "SELECT 1 FROM accounts_persontoken WHERE id = %s FOR SHARE"  # noqa: S105 - a query, no token


def hold_rights(*, workspace_id: str, agent_id: str, people: Sequence[str], token_id: str | None) -> None:
    """Lock what an agent, these people and a token of one of them may, in the caller's transaction. Read it afterwards.

    INVARIANT: of a revocation and an intent that rests on the right, one is first: an intent that comes second sees that the
    right is gone (P4, P9, A-03). Held by tests/faults/test_revocations.py.
    """
    of_people: list[Any] = [workspace_id, list(people)]
    with connection.cursor() as cursor:
        cursor.execute(_PRINCIPALS, [agent_id, list(people)])
        cursor.execute(_ROLES, of_people)
        cursor.execute(_GROUPS, of_people)
        if token_id is not None:
            cursor.execute(_TOKEN, [token_id])
