"""What the triggers that keep facets and days cost, and the index of words by day: `python -m benchmarks.triggers [--rows 200]`.

In a database that `benchmarks.lists --kept` filled.

Microseconds of a processor in the server process of PostgreSQL (on this machine), the median of so many statements, with the
triggers and that index and without, in transactions that are rolled back.
"""

import argparse
import os
import statistics
from pathlib import Path

import psycopg

TRIGGERS = {"actions_action": ("action_facets_first", "action_facets_moved", "action_days_first", "action_days_moved"),
            "traces_trace": ("trace_facets_first", "trace_facets_moved")}  # fmt: skip
NEWEST = "SELECT id FROM {} WHERE workspace_id = %s ORDER BY created_at DESC LIMIT %s"
ASKED = {
    "a trace is opened": ("traces_trace", """INSERT INTO traces_trace SELECT made.* FROM traces_trace AS one, jsonb_populate_record(
        one, jsonb_build_object('id', 'trc_' || lpad(%(n)s::text, 26, 'Z'), 'title', 'Working on: refund the second charge of order ' || %(n)s,
        'facets', ARRAY['person:usr_1'], 'created_at', now(), 'kind', 'work')) AS made WHERE one.id = %(id)s"""),
    "its title changes": ("traces_trace", "UPDATE traces_trace SET title = 'Refunded $240.00 on order ' || %(n)s WHERE id = %(id)s"),
    "an action is proposed": ("actions_action", """INSERT INTO actions_action SELECT made.* FROM actions_action AS one, jsonb_populate_record(
        one, jsonb_build_object('id', 'act_' || lpad(%(n)s::text, 26, 'Z'))) AS made WHERE one.id = %(id)s"""),
    "its state moves": ("actions_action", "UPDATE actions_action SET fence = fence + 1 WHERE id = %(id)s"),
    "its result comes": ("actions_action", "UPDATE actions_action SET result = jsonb_build_object('remote_id', %(n)s::text) WHERE id = %(id)s"),
    "an entry is appended": ("traces_trace", "UPDATE traces_trace SET head_seq = head_seq + 1 WHERE id = %(id)s"),
    "an entry with two new facets": ("traces_trace", "UPDATE traces_trace SET facets = facets || ARRAY['tool:new', 'record:' || %(n)s] WHERE id = %(id)s"),
}  # fmt: skip


def taken(server: psycopg.Connection, table: str, statement: str, rows: int, kept: bool) -> float:
    """The median of one statement, in a transaction that is rolled back."""
    process = Path(f"/proc/{server.info.backend_pid}/schedstat")
    found = []
    large = server.execute("SELECT id FROM accounts_workspace WHERE slug = 'large'").fetchall()[0][0]
    if not kept:
        for name, triggers in TRIGGERS.items():
            for trigger in triggers:
                server.execute(f"ALTER TABLE {name} DISABLE TRIGGER {trigger}")
        server.execute("DROP INDEX trace_title_by_day")
    for n, (key,) in enumerate(server.execute(NEWEST.format(table), [large, rows]).fetchall()):
        before = int(process.read_text().split()[0])
        server.execute(statement, {"id": key, "n": n})
        found.append((int(process.read_text().split()[0]) - before) / 1e3)
    server.rollback()
    return statistics.median(found)


def main() -> None:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=200)
    rows = parser.parse_args().rows
    with psycopg.connect(os.environ["DATABASE_URL"]) as server:
        for what, (table, statement) in ASKED.items():
            without, whole = (
                min(taken(server, table, statement, rows, kept) for _ in range(3)) for kept in (False, True)
            )
            print(f"{what:<30} {whole:6.0f} µs with, {without:6.0f} µs without, {whole / without:.2f} ×")


if __name__ == "__main__":
    main()
