"""Secrets of OAuth clients are kept by a quick hash, because Remit made them; nothing else is. Older rows follow."""

import secrets
import time

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from oauth2_provider.models import Application

from accounts.client_validator import ClientValidator
from accounts.secret_hashing import ALGORITHM, is_generated
from accounts.services import issue_agent_client
from console import settings as product
from tests.gateway.test_oauth import ask


def kept(client_id: str) -> str:
    return Application.objects.get(client_id=client_id).client_secret


def test_a_clients_secret_is_stored_by_the_quick_hash_and_proves_it_quickly(cast):
    made = issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
    stored = kept(made[0])
    assert identify_hasher(stored).algorithm == ALGORITHM and made[1] not in stored
    began = time.process_time()
    assert all(check_password(made[1], stored) for _ in range(100))
    assert time.process_time() - began < 1, "A hundred take less than one slow hash."
    assert ask(made).status_code == 200 and kept(made[0]) == stored
    assert ask((made[0], secrets.token_urlsafe(32))).status_code == 401


def test_an_older_row_goes_on_and_is_stored_anew_when_its_secret_is_shown(cast):
    client_id, secret = issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
    slow = make_password(secret, hasher="scrypt")
    Application.objects.filter(client_id=client_id).update(client_secret=slow)
    assert ask((client_id, secrets.token_urlsafe(32))).status_code == 401 and kept(client_id) == slow
    assert ask((client_id, secret)).status_code == 200
    anew = kept(client_id)
    assert identify_hasher(anew).algorithm == ALGORITHM
    assert ask((client_id, secret)).status_code == 200 and kept(client_id) == anew


def test_a_secret_that_was_changed_meanwhile_stays_changed(cast):
    client_id, secret = issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
    read, changed = make_password(secret, hasher="scrypt"), kept(client_id)
    assert ClientValidator()._check_secret(secret, read)  # What a request read before the change.
    assert kept(client_id) == changed


def test_what_a_person_thought_of_stays_with_the_slow_hash(cast):
    client_id, _ = issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
    slow = make_password("correct horse battery", hasher="scrypt")
    Application.objects.filter(client_id=client_id).update(client_secret=slow)
    assert ask((client_id, "correct+horse+battery")).status_code == 200 and kept(client_id) == slow


@pytest.mark.parametrize("word", ["", "password", "x" * 42, "x" * 44, "é" * 43, "x y" * 14 + "z"])
def test_the_quick_hash_takes_nothing_but_generated_secrets(word):
    assert not is_generated(word)
    with pytest.raises(ValueError, match="generated"):
        make_password(word, hasher=ALGORITHM)
    assert not check_password(word, make_password(secrets.token_urlsafe(32), hasher=ALGORITHM))


def test_people_keep_the_slow_hash():
    assert product.PASSWORD_HASHERS[0].endswith("ScryptPasswordHasher")
