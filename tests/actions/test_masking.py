"""What is sensitive stays out of the ledger in whatever form a system sends it (R-33)."""

import pytest
from django.test import Client

from actions.definition import Definition
from actions.redaction import mask, secrets_of
from tests.actions.undoing import wrote
from tests.builders import publish, sample_plain
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


def test_a_rollback_shows_such_a_value_by_its_kind_too(cast):
    plain = sample_plain()
    plain["redact"]["desk.account"] = {"owner_note.phone": "phone number"}
    publish(cast, plain)
    made = wrote(cast, owner_note="Call 555-0142")
    client = Client()
    client.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/traces/{made.trace_id}/roll-back/").content.decode()
    assert "phone number" in page and "555-0142" not in page
