"""R-33, T14: 200 secrets planted in every slot a caller, a person or a system can fill stand nowhere they should not."""

import copy
import json
from collections import defaultdict

import pytest
import redis
import yaml
from django.db import connection as database
from django.test import Client
from psycopg import sql

from actions.connections import save_connection
from actions.models import Action
from actions.tools import load_tools
from policies.engine.document import load
from policies.models import PolicyVersion
from tests.actions.doubt import find_out, its_time_comes
from tests.builders import opened, publish
from tests.remote.running import connect_remote, operation, start_remote
from traces.bundles.write import write_workspace
from traces.checkpoints.clock import tick
from traces.export import bundle
from traces.models import Entry, Trace

BACKEND = "django.contrib.auth.backends.ModelBackend"
# Where a sensitive value of a call stands by design, beside the ledger: to run the call, to show it to those who decide,
# to decide the same again. Any other column is a leak.
BESIDE = {
    "actions_action.proposed_text", "actions_action.arguments_text", "actions_action.changes",
    "traces_withheldvalue.value", "policies_decisionrecord.request_text",
}  # fmt: skip
numbers = iter(range(10_000))


def canary(many: int) -> list[str]:
    return [f"canary-{next(numbers):04}-5f1e9c" for _ in range(many)]


def pay_tools() -> str:
    """A card list that the tool calls sensitive, and a memo that only the policy redacts."""
    text = {"type": "string", "maxLength": 60}
    schema = {
        "type": "object", "additionalProperties": False, "required": ["item", "amount"],
        "properties": {"item": text, "amount": {"type": "integer"}, "card": {"type": "array", "items": text}, "memo": text},
    }  # fmt: skip
    words = {"noun": "Payment", "imperative": "Pay {item}", "present": "Paying {item}", "past": "Paid {item}"}
    tools = [
        {"name": f"shop.pay.{klass}", "title": "Pay", "description": "Pays one thing.", "resource_type": "shop.order",
         "effect_class": "write", "reversibility": "compensable", "input_schema": schema, "fields_at": "",
         "sensitive": {"card": "card number"}, "operation": operation(klass), "words": words}
        for klass in "abc"
    ]  # fmt: skip
    for tool in tools:
        tool["operation"]["write"]["effect_free"] = [422]
    return yaml.safe_dump({"connection": "shop", "tools": tools})


@pytest.fixture(scope="module")
def remote():
    running = start_remote()
    yield running
    running.stop()


@pytest.fixture
def shop(cast, remote, settings, tmp_path):
    settings.REMIT_WITNESS = [f"file:{tmp_path}/witness"]
    remote.chance(0.0, 0)
    connect_remote(cast, remote)
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=pay_tools())
    live = PolicyVersion.objects.get(policy__workspace=cast.northwind, policy__slug="support", is_live=True)
    plain = copy.deepcopy(dict(load(live.source).plain))
    plain["roles"]["refunds"]["tools"] |= {f"shop.pay.{klass}": {"mode": "auto"} for klass in "abc"}
    plain["roles"]["refunds"]["fields"]["shop.order"]["write"] += ["card", "memo"]
    plain["redact"] = {**plain.get("redact", {}), "shop.order": {"memo": "memo"}}
    publish(cast, plain)
    return cast


def call(shop, trace, body: dict, **head: str):
    given = {"trace_id": trace.pk, **body}
    headers = {"Authorization": f"Bearer {shop.token}", **head}
    return Client(raise_request_exception=False).post(
        "/api/v1/tool-calls", json.dumps(given), content_type="application/json", headers=headers
    )


def in_arguments(shop, remote) -> list[str]:
    """Sensitive by the tool and by the policy, done, refused, unclear and found out; the remote repeats them all."""
    planted = []
    for fault in ("", "echo", "echo_422", "echo_500"):
        for klass in "abc":
            cards, (memo,) = canary(6), canary(1)
            if fault:
                remote.fault(fault)
            arguments = {"item": "tea", "amount": 1, "card": cards, "memo": memo}
            answer = call(shop, opened(shop), {"tool": f"shop.pay.{klass}", "arguments": arguments})
            assert answer.status_code == 200, answer.content
            found = Action.objects.get(pk=answer.json()["action_id"])
            if found.state == "unknown":
                its_time_comes(found)
                assert find_out(found).state == "succeeded"
            planted += [*cards, memo]
    return planted


def in_answers(shop, remote) -> list[str]:
    """What a system says of its own, in fields nobody listed and in its headers."""
    planted = []
    for fault in ("echo", "echo_500"):
        for klass in "abc":
            (word,) = canary(1)
            remote.says(word)
            remote.fault(fault)
            call(shop, opened(shop), {"tool": f"shop.order.{klass}", "arguments": {"item": "tea", "amount": 1}})
            planted.append(word)
    remote.says("")
    return planted


def in_bad_requests(shop, remote) -> list[str]:
    """Values that do not fit, texts that are not JSON, headers and query strings nobody asked for, wrong tokens and passwords."""
    trace, values, texts, heads, tokens, words = (
        opened(shop),
        canary(30),
        canary(10),
        canary(20),
        canary(10),
        canary(10),
    )
    for value in values:
        call(
            shop,
            trace,
            {"tool": "shop.pay.a", "arguments": {"item": [value], "amount": value, "card": value, "memo": 1}},
        )
    client = Client(raise_request_exception=False)
    head = {"Authorization": f"Bearer {shop.token}"}
    for text in texts:
        client.post("/api/v1/tool-calls", f'{{"a": "{text}", "a": ', content_type="application/json", headers=head)
        client.post("/api/v1/tool-calls", text, content_type="text/plain", headers=head)
    for text in heads:
        client.get(f"/api/v1/actions/act_x?token={text}", headers={**head, "X-Api-Key": text, "Cookie": f"s={text}"})
        client.get(f"/traces/?access_token={text}", headers={"Referer": f"http://x.example/{text}"})
    for token in tokens:
        client.get("/api/v1/tools", headers={"Authorization": f"Bearer rmt_{token}"})
    for word in words:
        client.post("/sign-in/", {"email": "priya@northwind.example", "password": word})
    return [*values, *texts, *heads, *tokens, *words]


def in_connections(shop, remote) -> list[str]:
    """Secrets of connections, saved, and saved again with another."""
    planted = canary(30)
    for place, secret in enumerate(planted):
        save_connection(
            actor=shop.actor("dana"), workspace=shop.northwind, slug=f"c{place % 20}", name="C", kind="http",
            base_url="https://shop.example", client_id="c", client_secret=secret, options={"auth": {"kind": "static"}},
        )  # fmt: skip
    return planted


def columns_with(secrets: list[str]) -> dict[str, list[str]]:
    """`table.column` -> the secrets that stand in it, over the whole database."""
    found = defaultdict(list)
    with database.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        for table, column in cursor.fetchall():
            name = sql.Identifier(column)
            asked = sql.SQL("SELECT string_agg({}::text, ' ') FROM {}").format(name, sql.Identifier(table))
            cursor.execute(asked)
            text = cursor.fetchone()[0] or ""
            found[f"{table}.{column}"] += [secret for secret in secrets if secret in text]
    return {name: hits for name, hits in found.items() if hits}


def said_to_people(shop) -> str:
    """Every page of every trace, the lists, and the error pages, as an auditor reads them."""
    client = Client(raise_request_exception=False)
    client.force_login(shop.user("priya"), backend=BACKEND)
    traces = list(Trace.objects.filter(workspace=shop.northwind).values_list("pk", flat=True))
    paths = [
        "/",
        "/traces/",
        "/approvals/",
        "/pause/",
        "/policies/",
        "/metrics",
        "/readyz",
        "/nowhere/",
        "/search/?q=x",
    ]
    paths += [f"/traces/{pk}/{query}" for pk in traces for query in ("", "?tab=calls", "?tab=events", "export/")]
    return "".join(client.get(path).content.decode() for path in paths)


def queue(settings) -> str:
    with redis.Redis.from_url(settings.REDIS_URL) as wire:
        return " ".join(str(wire.lrange(key, 0, -1)) for key in wire.keys("*") if wire.type(key) == b"list")


def test_t14_no_planted_secret_stands_where_it_should_not(shop, remote, settings, tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    beside = in_arguments(shop, remote)
    answered = in_answers(shop, remote)
    nowhere = [*in_bad_requests(shop, remote), *in_connections(shop, remote), remote_secret()]
    everything = [*beside, *answered, *nowhere]
    assert len(everything) >= 200 and tick(force=True).failed == 0
    exported = [json.dumps(bundle(trace)) for trace in Trace.objects.filter(workspace=shop.northwind)]
    folder = write_workspace(tmp_path / "bundle", shop.northwind.pk).path
    api = [
        Client().get(f"/api/v1/traces/{pk}/export", headers={"Authorization": f"Bearer {shop.token}"}).content.decode()
        for pk in Trace.objects.filter(agent=shop.agent).values_list("pk", flat=True)
    ]
    out = capfd.readouterr()
    sinks = {
        "ledger": "".join(Entry.objects.values_list("canonical", flat=True)), "exports": "".join(exported),
        "files": "".join(file.read_text() for file in tmp_path.rglob("*") if file.is_file()), "pages": said_to_people(shop),
        "api": "".join(api), "queue": queue(settings), "log": caplog.text, "output": out.out + out.err,
    }  # fmt: skip
    assert folder.exists() and all(sinks[name] for name in ("ledger", "exports", "files", "pages", "api"))
    assert {name: hits for name, text in sinks.items() if (hits := [one for one in everything if one in text])} == {}
    assert set(columns_with(nowhere)) == set()
    assert set(columns_with(answered)) <= {"traces_withheldvalue.value"}
    assert set(columns_with(beside)) <= BESIDE


def remote_secret() -> str:
    from tests.remote.server import SECRET

    return SECRET


def test_the_search_for_secrets_finds_one(shop, remote, settings):
    """The search bites: a secret where nothing redacts it is found in ledger, page and database."""
    (secret,) = canary(1)
    call(shop, opened(shop), {"tool": "shop.order.a", "arguments": {"item": secret, "amount": 1}})
    assert secret in "".join(Entry.objects.values_list("canonical", flat=True)) and secret in said_to_people(shop)
    assert {"traces_entry.canonical", "actions_action.arguments_text"} <= set(columns_with([secret]))
