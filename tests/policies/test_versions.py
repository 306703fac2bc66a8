"""Published versions are immutable: the database itself refuses to change, remove or revive one."""

import pytest
from django.db import DatabaseError, connection, transaction

from policies.models import PolicyVersion
from policies.services import live_document
from tests.policies.kit import TIGHTER, changed

CHANGES = [
    "source = 'x'", "digest = 'x'", "number = 9", "message = 'x'", "published_by = '{}'", "approved_by = '{}'",
    "verdict = 'same'", "waived = '[1]'", "reverts = 1", "published_at = now()", "is_live = false, source = 'x'",
    "policy_id = 'pol_x'", "id = id + 100",
]  # fmt: skip


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("change", CHANGES)
def test_no_column_of_a_version_changes(house, change):
    with pytest.raises(DatabaseError, match="never changes: UPDATE"):
        run(f"UPDATE policies_policyversion SET {change}")  # noqa: S608


def test_every_column_is_tried_above():
    tried = {part.split(" = ")[0] for change in CHANGES for part in change.split(", ")}
    assert tried == {found.column for found in PolicyVersion._meta.concrete_fields}


def test_a_version_is_never_removed(house):
    with pytest.raises(DatabaseError, match="never changes: DELETE"):
        run("DELETE FROM policies_policyversion")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # Nothing may be pending when a table is truncated.
    with pytest.raises(DatabaseError, match="never changes: TRUNCATE"):
        run("TRUNCATE policies_policyversion CASCADE")


def test_a_version_retires_and_never_comes_back(house):
    house.publish(changed(TIGHTER))
    old = house.policy().versions.get(number=1)
    assert not old.is_live
    run("UPDATE policies_policyversion SET is_live = false WHERE is_live")
    for number in (1, 2):
        with pytest.raises(DatabaseError, match="never changes: UPDATE"):
            run(f"UPDATE policies_policyversion SET is_live = true WHERE number = {number}")  # noqa: S608


def test_p9_the_live_document_is_one_query_and_never_stale(house, django_assert_num_queries):
    before, _ = live_document(workspace_id=house.workspace.pk, slug="support")
    house.publish(changed(TIGHTER))
    with django_assert_num_queries(1):
        after, version = live_document(workspace_id=house.workspace.pk, slug="support")
    assert (version.number, after.plain) == (2, changed(TIGHTER)) and before.digest != after.digest


def test_p9_the_live_document_is_found_by_an_index(house):
    live = PolicyVersion.objects.filter(policy__workspace_id=house.workspace.pk, policy__slug="support", is_live=True)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "Index Scan" in live.explain() and "Seq Scan" not in live.explain()
