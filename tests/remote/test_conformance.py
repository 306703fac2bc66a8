"""The generic connector and each class it can declare, against a remote that keeps its own truth (F-01, F-02, F11, Z-05)."""

import pytest

from actions.connectors.base import ConnectionInfo, CredentialError
from actions.connectors.http.connector import HttpConnector
from actions.connectors.operation import OperationError, check_class, parse_operation
from actions.models import Action
from actions.services import call_tool
from tests.actions.doubt import find_out, its_time_comes
from tests.builders import opened
from tests.remote.running import connect_remote, operation, start_remote
from tests.remote.server import FAULTS, SECRET
from traces.models import Entry

CONNECTOR = HttpConnector()
# What each ordered fault leaves in the remote's truth.
BEFORE = {"reset_before", "500_before", "429", "redirect"}


@pytest.fixture(scope="module")
def remote():
    running = start_remote()
    yield running
    running.stop()


@pytest.fixture
def shop(cast, remote):
    remote.chance(0.0, 0)
    connect_remote(cast, remote)
    return cast


def order(cast, klass: str, **arguments) -> Action:
    given = {"item": "tea", "amount": 1, **arguments}
    return call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=f"shop.order.{klass}", arguments=given
    )


@pytest.mark.parametrize("klass", "abc")
def test_done_once_with_our_reference_and_nothing_else_of_ours(shop, remote, klass):
    found = order(shop, klass)
    assert found.state == "succeeded" and remote.effects(found.pk) == 1
    sent = [request for request in remote.truth()["requests"] if request["action"] == found.pk]
    assert [request["key"] for request in sent] == [found.pk if klass == "a" else ""]


@pytest.mark.parametrize("klass", "abc")
def test_declared_refusal_is_proof_of_no_effect(shop, remote, klass):
    found = order(shop, klass, amount=-1)
    assert found.state == "failed" and remote.effects(found.pk) == 0 and "negative" in found.detail


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "slow_after"])
@pytest.mark.parametrize("klass", "abc")
def test_f11_every_spoiled_answer_ends_true(shop, remote, klass, fault):
    remote.fault(fault)
    found = order(shop, klass)
    effects = 0 if fault in BEFORE else 1
    assert remote.effects(found.pk) == effects
    if fault == "429":  # Declared effect-free, and it was.
        assert found.state == "failed"
        return
    if klass == "c":
        assert found.state == "needs_human"
        return
    assert found.state == "unknown"
    its_time_comes(found)
    done = find_out(found)
    if klass == "a":
        assert done.state == "succeeded" and remote.effects(found.pk) == 1
    else:
        assert done.state == ("succeeded" if effects else "failed") and remote.effects(found.pk) == effects


def test_f01_the_same_bytes_under_the_same_key(shop, remote):
    remote.fault("reset_after")
    found = order(shop, "a", item="té – 茶")
    its_time_comes(found)
    find_out(found)
    first, second = [request for request in remote.truth()["requests"] if request["action"] == found.pk]
    assert first == second and first["key"] == found.pk


def test_f11_slow_answer_is_bounded_and_found_out(shop, remote, settings):
    settings.REMIT_CALL_TIMEOUT_S = 1
    remote.fault("slow_after")
    found = order(shop, "a")
    assert found.state == "unknown"
    its_time_comes(found)
    assert find_out(found).state == "succeeded" and remote.effects(found.pk) == 1


def test_p8_standing_secret_is_said_to_be_one_and_is_nowhere(shop, remote):
    found = order(shop, "a")
    entries = list(Entry.objects.filter(trace=found.trace))
    minted = next(entry.record["body"] for entry in entries if entry.type == "credential.minted")
    assert minted["standing"] is True and not any(entry.type == "credential.revoked" for entry in entries)
    assert SECRET not in "".join(entry.canonical for entry in entries)


@pytest.mark.parametrize(("klass", "missing"), [("a", "key_header"), ("b", "look_up")])
def test_a_class_needs_its_means(klass, missing):
    bad = operation(klass)
    bad.pop(missing, None)
    bad["write"].pop(missing, None)
    with pytest.raises(OperationError, match=missing):
        check_class(parse_operation(bad))


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "magic"},
        {"kind": "static", "header": "X-Action-Id"},
        {"kind": "static", "header": "a b"},
        {"kind": "static", "colour": "red"},
        {"kind": "client_credentials", "token_path": "https://elsewhere.example/token"},
    ],
)
def test_unusable_sign_in_mints_nothing(auth):
    info = ConnectionInfo("shop", "http", "http://127.0.0.1:9", "", "s", True, {"auth": auth})
    with pytest.raises(CredentialError, match="options"):
        CONNECTOR.mint(info, scope=("orders:write",), record=None, ttl_s=60, reference="act_1", timeout_s=10)


def test_sign_in_is_as_the_options_say(remote):
    plain = {"auth": {"kind": "static", "header": "X-Api-Key", "prefix": ""}}
    info = ConnectionInfo("shop", "http", remote.base_url, "", "s3cret-s3cret", True, plain)
    credential = CONNECTOR.mint(info, scope=("x",), record=None, ttl_s=60, reference="act_1", timeout_s=10)
    assert CONNECTOR.sign(info, credential) == {"X-Api-Key": "s3cret-s3cret"} and "s3cret" not in repr(credential)
    none = ConnectionInfo("shop", "http", remote.base_url, "", "s", True, {"auth": {"kind": "none"}})
    assert CONNECTOR.sign(none, credential) == {}


def test_client_credentials_against_the_desk(desk):
    auth = {"kind": "client_credentials", "token_path": "/oauth/token"}
    info = ConnectionInfo("desk", "http", desk.base_url, desk.client_id, desk.client_secret, True, {"auth": auth})
    with pytest.raises(CredentialError):  # The desk wants a reference and a lifetime, which the plain form has not.
        CONNECTOR.mint(info, scope=("orders:read",), record=None, ttl_s=60, reference="act_1", timeout_s=10)
