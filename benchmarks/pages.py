"""What the two heaviest policy pages cost the server: `python -m benchmarks.pages [--tools 200] [--actions 20000] [--rounds 5] [--json]`.

Seeds a workspace in the database of DATABASE_URL (migrated already) through the product's own functions, draws the pages as a
signed-in policy admin, and rolls everything back. Reported as a ratio to what the same run needs at least: the policy list,
which goes through the same sign-in, frame and templates, and the bare reading of the same decisions.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django is set up first
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.actors import system_actor  # noqa: E402
from accounts.clock import database_now  # noqa: E402
from accounts.ids import new_id  # noqa: E402
from accounts.models import User, Workspace  # noqa: E402
from accounts.permissions import Role  # noqa: E402
from accounts.services import add_member, create_user, create_workspace  # noqa: E402
from actions.connections import save_connection  # noqa: E402
from actions.tools import load_tools  # noqa: E402
from benchmarks.told import tell  # noqa: E402
from policies.engine.decide import decide  # noqa: E402
from policies.engine.document import load  # noqa: E402
from policies.engine.recorded import encoded, ruling, spoken  # noqa: E402
from policies.engine.types import Request, ToolFacts  # noqa: E402
from policies.engine.yaml_out import dump  # noqa: E402
from policies.models import DecisionRecord, Policy, PolicyVersion  # noqa: E402

SLUG = "bench"
ROLES = ("reader", "clerk", "lead")
FIELDS = ("status", "note", "region", "owner", "tier")
BACKEND = "django.contrib.auth.backends.ModelBackend"


def names(tools: int) -> list[str]:
    """Every fourth tool reads, the others write."""
    return [f"desk.thing{number}.{'get' if number % 4 == 0 else 'update'}" for number in range(tools)]


def plain(tools: int) -> dict[str, Any]:
    """Three roles that may use every tool; a tenth of the writes run by themselves, the rest is approved."""
    modes = [{"mode": "auto"}, *[{"mode": "approval", "route": "lead"}] * 9]
    listed = {name: {} if name.endswith("get") else modes[number % 10] for number, name in enumerate(names(tools))}
    fields = {f"desk.kind{kind}": {"read": ["status"], "write": list(FIELDS)} for kind in range(20)}
    role = {"tier": "execute-with-approval", "tools": listed, "fields": fields}
    return {
        "policy": {"slug": SLUG, "name": "Bench"}, "roles": dict.fromkeys(ROLES, role),
        "routes": {"lead": {"steps": [{"name": "Lead", "group": "leads"}]}},
    }  # fmt: skip


def tool_yaml(name: str, kind: int) -> dict[str, Any]:
    """A definition as docs/tools.md has it."""
    reads = name.endswith("get")
    fields = {field: {"type": "string", "maxLength": 200, "description": "A field."} for field in FIELDS}
    schema: dict[str, Any] = {
        "type": "object", "additionalProperties": False, "required": ["thing_id"],
        "properties": {"thing_id": {"type": "string", "pattern": "^[0-9]{1,12}$", "description": "Its number."}},
    }  # fmt: skip
    operation: dict[str, Any] = {"class": "B", "read": {"path": "/things/{thing_id}", "scope": "things:read"}}
    extra: dict[str, Any] = {}
    if not reads:
        schema["properties"]["fields"] = {"type": "object", "additionalProperties": False, "properties": fields}
        extra["fields_at"] = "fields"
        operation["class"] = "C"
        operation["write"] = {
            "method": "PATCH",
            "path": "/things/{thing_id}",
            "scope": "things:write",
            "body": "fields",
            "ok": [200],
        }
    words = {"noun": "Thing", "imperative": "Use {thing_id}", "present": "Using {thing_id}", "past": "Used {thing_id}"}
    return {
        "name": name, "title": name, "description": "A tool.", "resource_type": f"desk.kind{kind}",
        "effect_class": "read" if reads else "write", "reversibility": "reversible", "input_schema": schema,
        "operation": operation, "words": words, **extra,
    }  # fmt: skip


def seed(tools: int, actions: int) -> tuple[User, Workspace]:
    """The workspace, its policy (live for 40 days) and what was decided under it."""
    actor = system_actor("benchmark", "")
    slug = new_id("ben").lower().replace("_", "-")
    workspace = create_workspace(actor=actor, slug=slug, name="Benchmark", environment="sandbox")
    user = create_user(actor=actor, email=f"{slug}@bench.example", name="Bench")
    add_member(actor=actor, workspace=workspace, user=user, role=Role.POLICY_ADMIN)
    save_connection(
        actor=actor, workspace=workspace, slug="desk", name="Desk", kind="records", base_url="https://desk.example",
        client_id="remit", client_secret="secret",  # noqa: S106 - seeded and rolled back
    )  # fmt: skip
    made = [tool_yaml(name, number % 20) for number, name in enumerate(names(tools))]
    load_tools(actor=actor, workspace=workspace, text=json.dumps({"connection": "desk", "tools": made}))
    policy = Policy.objects.create(workspace=workspace, slug=SLUG, name="Bench")
    source = dump(plain(tools))
    PolicyVersion.objects.create(
        policy=policy, number=1, source=source, digest=load(source).digest, message="Bench", is_live=True,
        published_by={"kind": "system", "id": "x", "name": "X"}, published_at=database_now() - timedelta(days=40),
    )  # fmt: skip
    remember(workspace, source, tools, actions)
    return user, workspace


def remember(workspace: Workspace, source: str, tools: int, actions: int) -> None:
    """Decisions of the last days, over a third of the tools: the rest is what nobody uses."""
    document, now, used = load(source), database_now(), names(tools)[: tools // 3]
    rows = []
    for number in range(actions):
        name, role = used[number % len(used)], ROLES[number % len(ROLES)]
        kind, effect = f"desk.kind{number % len(used) % 20}", "read" if name.endswith("get") else "write"
        fields = {} if effect == "read" else {"status": "open", "note": "Called about the second charge. " * 6}
        at = now - timedelta(days=28) * (actions - number) / actions
        asked = Request(
            role=role, agent={"id": "agt_1", "slug": "a", "name": "A"},
            requester={"id": "usr_1", "email": "x@y.example", "name": "X", "groups": ["support"], "roles": ["member"]},
            tool=ToolFacts(name, kind, effect, "reversible"), arguments={"thing_id": "1", **fields}, fields=fields,
            record={"id": "1", "name": "Birch Ltd", "region": "EU"}, money=None, recipients=(), usage={}, at=at,
        )  # fmt: skip
        said = decide(document, asked, version=1)
        rows.append(DecisionRecord(
            workspace=workspace, policy=SLUG, version=1, action_id=new_id("act"), trace_id="trc_bench", agent_id="agt_1",
            role=role, tool=name, effect_class=effect, title=name, request_text=encoded(asked), effect=said.effect,
            rule=ruling(said), refused=[], named=sorted(fields), spoke=[list(pair) for pair in spoken(said)], outcome="succeeded", at=at,
            finished_at=at,
        ))  # fmt: skip
    DecisionRecord.objects.bulk_create(rows, batch_size=2000)


def timed(work: Callable[[], Any], rounds: int) -> float:
    """Seconds of the median round, after one that is not counted."""
    work()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def page(client: Client, path: str) -> None:
    """Draw one page. Raises SystemExit where it is not drawn."""
    answer = client.get(f"/policies/{path}")
    if answer.status_code != 200:
        raise SystemExit(f"/policies/{path} answered {answer.status_code}.")


def measure(tools: int, actions: int, rounds: int) -> dict[str, Any]:
    """Seconds of each page and of each baseline; the database is left as it was."""
    with transaction.atomic():
        user, workspace = seed(tools, actions)
        client = Client()
        client.force_login(user, backend=BACKEND)
        rows = DecisionRecord.objects.filter(workspace=workspace)
        listing = timed(lambda: page(client, ""), rounds)
        reading = timed(lambda: len(rows.values_list("role", "request_text")), rounds)
        tiers = timed(lambda: page(client, f"{SLUG}/tiers/"), rounds)
        suggestions = timed(lambda: page(client, f"{SLUG}/suggestions/"), rounds)
        transaction.set_rollback(True)
    return {
        "tools": tools, "actions": actions, "list_ms": round(listing * 1e3), "reading_ms": round(reading * 1e3),
        "tiers_ms": round(tiers * 1e3), "tiers_by_list": round(tiers / listing, 1),
        "suggestions_ms": round(suggestions * 1e3),
        "suggestions_by_list_and_reading": round(suggestions / (listing + reading), 2),
    }  # fmt: skip


def main() -> int:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tools", type=int, default=200)
    parser.add_argument("--actions", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    settings.ALLOWED_HOSTS = ["testserver"]
    found = measure(options.tools, options.actions, options.rounds)
    tell(found, as_json=options.as_json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
