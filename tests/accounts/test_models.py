"""What the database itself refuses, whoever writes to it."""

from datetime import UTC

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from accounts.clock import database_now
from accounts.models import User


def add(**fields) -> User:
    with transaction.atomic():
        return User.objects.create(**{"email": "new@northwind.example", "name": "New", **fields})


def test_nobody_is_a_superuser(people):
    """R-14: a superuser would pass every guardian check."""
    with pytest.raises(IntegrityError, match="user_never_superuser"):
        add(is_superuser=True)
    with pytest.raises(IntegrityError, match="user_never_superuser"), transaction.atomic():
        User.objects.update(is_superuser=True)
    assert not hasattr(get_user_model().objects, "create_superuser")
    assert not hasattr(get_user_model().objects, "create_user")


@pytest.mark.parametrize("email", ["DANA@northwind.example", "Fresh@northwind.example"])
def test_an_email_is_stored_in_lower_case(people, email):
    with pytest.raises(IntegrityError):
        add(email=email)


def test_an_email_has_one_person(people):
    with pytest.raises(IntegrityError, match="email"):
        add(email="dana@northwind.example")


def test_an_identity_has_one_person(db):
    add(issuer="https://idp.example", subject="1")
    add(email="other@northwind.example", issuer="https://idp.example", subject="2")
    with pytest.raises(IntegrityError, match="user_identity_once"):
        add(email="third@northwind.example", issuer="https://idp.example", subject="1")


@pytest.mark.parametrize(("issuer", "subject"), [("https://idp.example", None), (None, "1"), ("", "1"), ("", "")])
def test_an_identity_is_whole_or_absent(db, issuer, subject):
    with pytest.raises(IntegrityError, match="user_identity_whole"):
        add(issuer=issuer, subject=subject)


def test_the_database_clock_is_utc_and_moves_inside_a_transaction(db):
    first, second = database_now(), database_now()
    assert first.tzinfo == UTC
    assert second > first
