"""Amounts have the digits of their currency everywhere: in limits, in what forms take and show, and in sentences."""

from decimal import Decimal

import pytest
from django import forms

from actions.definition import Definition
from policies.engine.currencies import CODES, digits_of, in_minor_units, money_text
from policies.engine.diff import compare
from policies.engine.limits import text
from policies.engine.parts import Limit, When
from policies.engine.types import Money
from policies.forms.amounts import major, whole
from policies.pages import sentences

NONE = frozenset[str]()
# ISO 4217 list one of 2026-01-01: code, digits, what 1234567 minor units are.
CASES = [
    ("USD", 2, "$12,345.67"), ("SEK", 2, "12,345.67 SEK"), ("MGA", 2, "12,345.67 MGA"),
    ("JPY", 0, "1,234,567 JPY"), ("XAF", 0, "1,234,567 XAF"), ("UYI", 0, "1,234,567 UYI"), ("RWF", 0, "1,234,567 RWF"),
    ("KWD", 3, "1,234.567 KWD"), ("IQD", 3, "1,234.567 IQD"), ("LYD", 3, "1,234.567 LYD"),
    ("CLF", 4, "123.4567 CLF"), ("UYW", 4, "123.4567 UYW"), ("XAU", 0, "1,234,567 XAU"), ("QQQ", 2, "12,345.67 QQQ"),
]  # fmt: skip


@pytest.mark.parametrize(("currency", "digits", "shown"), CASES)
def test_every_surface_says_the_same_amount(currency, digits, shown):
    limit = Limit("l", "l", When(NONE, NONE, NONE, NONE), "money", "action", 1, currency, 0, "deny", None)
    assert digits_of(currency) == digits
    assert money_text(1234567, currency) == shown == text(limit, 1234567) == sentences.money(1234567, currency)
    assert major(1234567, currency) == f"{Decimal(1234567).scaleb(-digits):.{digits}f}"
    assert whole(forms.Form(), "max", Decimal(major(1234567, currency)), currency) == 1234567


@pytest.mark.parametrize(("currency", "digits", "shown"), [case for case in CASES if case[1] != 2])
def test_a_difference_and_a_tool_without_digits_of_its_own_say_it_too(currency, digits, shown):
    rule = {
        "id": "l",
        "when": {},
        "kind": "money",
        "per": "action",
        "max": 1234567,
        "currency": currency,
        "over": "deny",
    }
    bare = {"policy": {"slug": "p", "name": "P"}, "roles": {}}
    (change,) = compare(bare, {**bare, "limits": [rule]}).changes
    assert shown in change.label
    tool = Definition({"money": {"amount": "a", "currency": "c"}})
    assert tool.money({"a": 1234567, "c": currency}) == (1234567, currency, digits)
    own = Definition({"money": {"amount": "a", "currency": "c", "minor_units": 2}})
    assert own.money({"a": 1, "c": currency}) == (1, currency, 2)


def test_amounts_below_nothing_keep_their_sign_and_small_ones_their_noughts():
    said = [money_text(*amount) for amount in ((-5, "USD"), (-5, "KWD"), (0, "EUR"), (5, "CLF"), (-7, "JPY"))]
    assert said == ["−$0.05", "−0.005 KWD", "€0.00", "0.0005 CLF", "−7 JPY"]


def test_the_codes_are_those_of_the_list_and_each_bounds_a_limit():
    """178 codes on 2026-01-01; those given up by then, and what looks like one, are none."""
    assert len(CODES) == 178 and {code for code, _, _ in CASES} - CODES == {"QQQ"}
    assert all(code.isascii() and code.isupper() and len(code) == 3 for code in CODES)
    assert {"EUR", "XCG", "ZWG", "SLE", "VED", "XAD", "XXX"} <= CODES
    assert not CODES & {"BGN", "HRK", "ANG", "CUC", "SLL", "ZWL", "DEM", "BTC", "USX", "AAA"}


@pytest.mark.parametrize(
    ("amount", "currency", "digits", "counted"),
    [
        (100, "USD", 2, 10**2), (100, "USD", 0, 10**4), (100, "USD", 4, 1), (101, "USD", 4, 2), (1, "USD", 4, 1), (0, "USD", 4, 0),
        (100, "KWD", 2, 10**3), (24_000, "JPY", 2, 240), (24_001, "JPY", 2, 241), (5, "CLF", 4, 5), (-1, "USD", 0, -100),
        (2**53 - 1, "CLF", 0, 2**53 - 1), (1 - 2**53, "CLF", 0, 1 - 2**53),
    ],
)  # fmt: skip
def test_an_amount_is_counted_in_the_units_of_iso_4217_whatever_its_sender_counts_in(amount, currency, digits, counted):
    assert in_minor_units(amount, currency, digits) == counted


def test_systems_may_write_a_currency_in_small_letters_and_a_look_alike_stays_another():
    tool = Definition({"money": {"amount": "a", "currency": "c"}})
    assert tool.counted_money({"a": 5, "c": "usd"}) == Money(5, "USD")
    assert tool.counted_money({"a": 5, "c": "\u0131qd"}) == Money(5, "\u0131qd")  # Its large letters would be IQD.


@pytest.mark.parametrize("arguments", [{"c": "USD"}, {"a": 5}, {"a": "5", "c": "USD"}, {"a": 1.5, "c": "USD"}, {"a": True, "c": "USD"}, {"a": 5, "c": 5}])  # fmt: skip
def test_what_cannot_be_counted_is_no_amount(arguments):
    assert Definition({"money": {"amount": "a", "currency": "c"}}).money(arguments) is None
    assert Definition({"money": {"amount": "a", "currency": "c"}}).money({"a": 10.0, "c": "USD"}) == (10, "USD", 2)
