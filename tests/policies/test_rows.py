"""Reading: whole answers of rows, and properties of what is shown (single records are cases in reads.yaml)."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.document import load
from policies.engine.paths import covering, leaves, walk
from policies.engine.rows import Shown, visible, visible_rows

DOCUMENT = load("""
policy: {slug: rows, name: Rows}
roles:
  eu:
    tier: read-only
    tools: {}
    fields:
      acct: {read: [name, address.city, lines.amount], mask: {email: email, lines.card: card}}
      blind: {read: [nothing]}
    scopes: {acct: record.region == "EU", own: record.owner == requester.id}
""")
EU = {"id": "1", "name": "A", "region": "EU", "email": "a@a.example", "lines": [{"amount": 1, "card": "4111"}]}
US = {"id": "2", "name": "B", "region": "US"}


def rows(body, kind="acct", at="rows", role="eu", **more):
    return visible_rows(DOCUMENT, role, kind, body, at=at, **more)


def test_only_rows_in_scope_are_shown_and_the_others_counted():
    shown = rows({"rows": [EU, US, {"id": "3"}, EU], "total": 4})
    row = {"id": "1", "name": "A", "email": "[email]", "lines": [{"amount": 1, "card": "[card]"}]}
    assert shown == Shown(
        {"rows": [row, row]}, ("rows.region", "total"), ("rows.email", "rows.lines.card"), rows_withheld=2
    )


def test_no_rows_are_no_rows():
    assert rows({"rows": []}) == Shown({"rows": []})
    assert rows({"rows": [US]}) == Shown({"rows": []}, rows_withheld=1)


def test_an_answer_that_is_no_list_of_records_shows_nothing():
    for body in ({"rows": None}, {"rows": {"a": 1}}, {"rows": [EU, 5]}, {"rows": "EU"}, {}, {"other": [EU]}):
        assert rows(body) == Shown({}, tuple(sorted(body)))


def test_a_row_of_which_nothing_may_be_read_is_withheld_and_an_empty_one_is_not():
    assert rows({"rows": [{"secret": 1}]}, kind="blind") == Shown({"rows": []}, rows_withheld=1)
    assert rows({"rows": [{}]}, kind="blind") == Shown({"rows": [{}]})
    assert rows({"rows": [{"id": 1, "secret": 1}]}, kind="blind") == Shown({"rows": [{"id": 1}]}, ("rows.secret",))


def test_an_unknown_role_reads_no_row():
    assert rows({"rows": [EU]}, role="nobody") == Shown({"rows": []}, rows_withheld=1)


def test_a_scope_may_look_at_who_asks():
    body = {"rows": [{"id": 1, "owner": "u1"}, {"id": 2, "owner": "u2"}]}
    assert rows(body, kind="own", principals={"requester": {"id": "u2"}}).value == {"rows": [{"id": 2}]}
    assert rows(body, kind="own").rows_withheld == 2


names = st.sampled_from(
    ("name", "id", "address", "city", "lines", "amount", "card", "email", "a.b", "", "address.city", "[x]")
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)
records = st.dictionaries(names, values, max_size=5).map(lambda record: {**record, "region": "EU"})


def spelled(value, path=()):
    """Every leaf as the names above it and its value, in a plain reading."""
    if isinstance(value, dict) and value:
        return [leaf for name, item in value.items() for leaf in spelled(item, (*path, name))]
    if isinstance(value, list) and value:
        return [leaf for item in value for leaf in spelled(item, path)]
    return [(path, json.dumps(value))]


def may_read(path) -> bool:
    listed = (("name",), ("address", "city"), ("lines", "amount"))
    return path == ("id",) or any(path[: len(one)] == one for one in listed)


def masked(path) -> bool:
    return path[:1] == ("email",) or path[:2] == ("lines", "card")


@settings(max_examples=300, deadline=None)
@given(records)
def test_what_is_shown_is_exactly_what_may_be_read(record):
    shown = visible(DOCUMENT, "eu", "acct", record)
    before = [(path, value) for path, value in spelled(record) if may_read(path) and not masked(path)]
    after = [(path, value) for path, value in spelled(shown.value) if path and not masked(path)]
    assert after == before
    assert {value for path, value in spelled(shown.value) if masked(path)} <= {'"[email]"', '"[card]"'}
    assert sum(masked(path) for path, _ in spelled(record)) == sum(masked(path) for path, _ in spelled(shown.value))


@settings(max_examples=300, deadline=None)
@given(records)
def test_leaves_and_walk_see_the_same_paths(record):
    walked = []
    same = walk(record, lambda path, leaf: walked.append(path) or leaf)
    assert walked == list(leaves(record)) and same == record


def test_a_path_is_covered_by_itself_and_what_is_above_it():
    listed = frozenset({"a.b", "c"})
    assert [covering(path, listed) for path in ("a.b", "a.b.x.y", "c", "c.d")] == ["a.b", "a.b", "c", "c"]
    assert [covering(path, listed) for path in ("a", "a.bc", "cc", "", ".c", "x.c", "['c']", "a.['b']")] == [None] * 8
