"""What is sensitive stays out of the ledger in whatever form a system sends it (R-33)."""

import pytest

from actions.definition import Definition
from actions.redaction import mask, secrets_of
from traces.ledger import Sensitive

TOOL = Definition({"sensitive": {"customer.card": "card number", "note": "note"}, "effect_class": "read"})


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"customer": {"card": "4111", "name": "Ada"}}, {"customer": {"card": Sensitive("4111", "card number"), "name": "Ada"}}),
        ({"customer": "Ada, 4111"}, {"customer": Sensitive("Ada, 4111", "card number")}),
        ({"customer": ["4111", {"name": "Ada"}]}, {"customer": [Sensitive("4111", "card number"), {"name": "Ada"}]}),
        ({"order": {"customer": 4111}}, {"order": {"customer": Sensitive(4111, "card number")}}),
        ({"customer": None, "customers": "4111"}, {"customer": None, "customers": "4111"}),
        ({"customer": "", "cust": "4111"}, {"customer": "", "cust": "4111"}),
    ],
    ids=["as expected", "a text", "a list", "a number, deeper", "nothing, and another name", "no text, and another name"],
)  # fmt: skip
def test_a_value_that_may_hold_a_sensitive_part_is_kept_out_whole(record, kept):
    assert mask(record, secrets_of(TOOL, {}, record)) == kept


def test_what_such_a_value_says_is_kept_out_of_sentences_too():
    known = secrets_of(TOOL, {}, {"customer": "Ada, 4111"})
    assert mask({"detail": "No charge for Ada, 4111."}, known) == {"detail": "No charge for [card number]."}
