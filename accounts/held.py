"""What is relied on holds still: until the caller's transaction ends, whoever would take it away waits.

The order is one everywhere: people and what they may, then by what right they stand in, and last what governs a workspace.
"""

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
_DELEGATIONS = "SELECT 1 FROM accounts_delegation WHERE id = ANY(%s) ORDER BY id FOR SHARE"
_MODE = "SELECT 1 FROM accounts_singleoperator WHERE workspace_id = %s AND ended_at IS NULL FOR SHARE"
# Pauses, live policies and changed tools are rows that are added, which no lock of a row keeps out. Two keys: everywhere is
# paused under the one, what is a workspace's is changed under the other.
_GOVERNED = """SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0)),
    pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"""
_GOVERN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


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


def hold_capacities(*, workspace_id: str, delegations: Sequence[str]) -> None:
    """The same for by what right people decide what is not theirs: these delegations, and single-operator mode.

    Shared with whoever relies on them: a verdict holds them too, before it waits for a trace that an intent may hold.
    """
    with connection.cursor() as cursor:
        if delegations:
            cursor.execute(_DELEGATIONS, [list(delegations)])
        cursor.execute(_MODE, [workspace_id])


def hold_governed(workspace_id: str) -> None:
    """Pauses, live policies and tools of a workspace hold still until the caller's transaction ends. Read them afterwards.

    INVARIANT: of a pause, a publication or a changed tool and an intent one is first (P9, R-22). This lock is the last that an
    intent takes, and so is that of `govern`: whoever has it waits for nobody, so that a pause waits for no more than intents
    that are being written. Held by tests/faults/test_governed.py.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GOVERNED, [_of(None), _of(workspace_id)])


def govern(workspace_id: str | None) -> None:
    """Wait for the intents that are being written in a workspace, or everywhere with None; later ones wait for the caller.

    At the end of the transaction that pauses, publishes or loads, after its ledger entry: whoever has it waits for nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GOVERN, [_of(workspace_id)])


def _of(workspace_id: str | None) -> str:
    return f"remit governs {workspace_id or 'everything'}"
