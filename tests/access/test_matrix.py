"""Every URL x every cast member: a new URL without a row fails, a foreign object looks like a missing one (T1, P7)."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.clock import database_now
from accounts.models import Factor
from actions.models import Action, Recheck
from policies.models import BreakerTrip, Policy
from policies.replay import start_replay
from tests.access.approval_rows import APPROVAL_ROWS, AWAY, OUT
from tests.access.govern_rows import EMBED_ROWS, GOVERN_ROWS
from tests.builders import planned, request_of
from tests.cast import build_cast
from tests.snapshot import restored
from traces.models import SavedView
from traces.notices.models import Channel, Delivery

BACKEND = "django.contrib.auth.backends.ModelBackend"
CAST = ["dana", "ken", "priya", "tomas", "ava", "maya", "omar", "lena", None]
IN = ["dana", "ken", "priya", "tomas", "ava"]

# Of one policy. Policy admins edit; everybody with a role but Maya, who only asks, reads; the other tenant sees nothing.
SECTIONS = ("invariants", "limits", "freezes", "breakers")
LISTS = (*SECTIONS, "demotions")
READ = ["tiers", "fields", "rows", *SECTIONS, "steps", "versions", "gate", "shadow", "suggestions", "document"]
SEES_NOTHING = {"maya": 404, **dict.fromkeys(OUT, 404), None: 302}
EDIT_FORMS = {
    "role": "roles/refunds/", "scope": "rows/refunds/desk.account/", "rebase": "draft/rebase/", "steps_new": "steps/new/",
    "steps_edit": "steps/edit/refund/",
    **{f"{name}_new": f"{name}/new/" for name in LISTS},
}  # fmt: skip
EDITS = {
    "open": "draft/open/", "discard": "draft/discard/", "set_cell": "tiers/set/", "remove_role": "roles/refunds/remove/",
    "move": "roles/refunds/move/", "steps_remove": "steps/remove/refund/", "start_replay": "impact/start/",
    "revert": "versions/1/revert/", "remove_waiver": "waivers/x/remove/",
    "stop_shadow": "shadow/stop/", "open_suggestion": "suggestions/open/",
    **{f"{name}_remove": f"{name}/remove/x/" for name in LISTS},
}  # fmt: skip
UNSENT = {
    "add_role": "roles/add/", "set_fields": "fields/set/", "add_field": "fields/add/", "set_mask": "fields/mask/",
    "set_unlisted": "fields/unlisted/", "set_redact": "fields/redact/", "start_shadow": "shadow/start/",
}  # fmt: skip
GONE = {"agree": "publish/agree/", "decline": "publish/decline/", "add_waiver": "waivers/add/"}
POLICY = "/policies/support/"
# Owners manage notices, operators and auditors read them; the other tenant's owner reads his own.
NOTED = {"dana": 200, "priya": 200, "ava": 200, "omar": 200, "lena": 403, None: 302}
SEEN = {**NOTED, **dict.fromkeys(OUT, 404)}
MANAGED = {"dana": 302, **dict.fromkeys(OUT, 404), None: 302}
CHANNEL_ROWS: dict[str, tuple[str, str, dict, int]] = {
    "notices:list": ("get", "/notices/", NOTED, 403),
    "notices:log": ("get", "/notices/log/", NOTED, 403),
    "notices:hosts": ("get", "/notices/hosts/", NOTED, 403),
    "notices:mine": ("get", "/me/notices/", {None: 302}, 200),
    "notices:new": ("get", "/notices/new/email/", {"dana": 200, "omar": 200, None: 302}, 403),
    "notices:detail": ("get", "/notices/{channel}/", SEEN, 403),
    **{
        f"notices:{verb}": ("post", f"/notices/{{channel}}/{verb}/", MANAGED, 403)
        for verb in ("test", "pause", "resume", "rotate", "remove")
    },
    "notices:again": ("post", "/notices/log/{delivery}/again/", MANAGED, 403),
    "notices:remove_host": ("post", "/notices/hosts/none.example/remove/", {"dana": 404, "omar": 404, None: 302}, 403),
}
POLICY_ROWS: dict[str, tuple[str, str, dict, int]] = {
    "policies:detail": ("get", POLICY, SEES_NOTHING, 200),
    "policies:publish": ("get", f"{POLICY}publish/", SEES_NOTHING, 302),  # There is no draft.
    "policies:impact": ("get", f"{POLICY}impact/", SEES_NOTHING, 302),
    "policies:compare": ("get", f"{POLICY}versions/1/", SEES_NOTHING, 200),
    "policies:agent_gate": ("get", "/policies/agents/{agent}/gate/", SEES_NOTHING, 200),
    "policies:actions": ("get", f"{POLICY}impact/{{replay}}/", SEES_NOTHING, 200),
    **{f"policies:{name}": ("get", f"{POLICY}{name}/", SEES_NOTHING, 200) for name in READ},
    **{
        f"policies:{name}": ("get", POLICY + path, {"ken": 200, **SEES_NOTHING}, 403)
        for name, path in EDIT_FORMS.items()
    },
    "policies:role": ("get", f"{POLICY}roles/refunds/", {"ken": 302, **SEES_NOTHING}, 403),
    "policies:rebase": ("get", f"{POLICY}draft/rebase/", {"ken": 302, **SEES_NOTHING}, 403),
    **{
        f"policies:{name}_edit": ("get", f"{POLICY}{name}/edit/x/", {"ken": 404, **SEES_NOTHING}, 403) for name in LISTS
    },
    **{f"policies:{name}": ("post", POLICY + path, {"ken": 302, **SEES_NOTHING}, 403) for name, path in EDITS.items()},
    **{f"policies:{name}": ("post", POLICY + path, {"ken": 422, **SEES_NOTHING}, 403) for name, path in UNSENT.items()},
    **{f"policies:{name}": ("post", POLICY + path, {"ken": 409, **SEES_NOTHING}, 403) for name, path in GONE.items()},
    "policies:cancel_replay": ("post", f"{POLICY}impact/{{replay}}/cancel/", {"ken": 302, **SEES_NOTHING}, 403),
    # Whoever may pause agents may let them go on.
    "policies:reset": ("post", f"{POLICY}breakers/reset/{{trip}}/", {"dana": 422, "priya": 422, **SEES_NOTHING}, 403),
}
# name -> (method, path template, {cast member: status}). Members not named get `other`.
ROWS: dict[str, tuple[str, str, dict, int]] = {
    "console:home": ("get", "/", {None: 302}, 200),
    "console:search": ("get", "/search/?q={trace}", {None: 302}, 302),
    "traces:list": ("get", "/traces/", {None: 302}, 200),
    "traces:view_save": ("post", "/traces/views/save/", {}, 302),
    "traces:view_remove": ("post", "/traces/views/{view}/remove/", {"priya": 302, None: 302}, 404),
    "incident:page": ("get", "/incident/?record=acct_5521", {None: 302}, 200),
    "incident:export": ("get", "/incident/export/?record=acct_5521", {"maya": 403, None: 302}, 200),
    "traces:detail": ("get", "/traces/{trace}/", {**dict.fromkeys(OUT, 404), None: 302}, 200),
    "traces:export": ("get", "/traces/{trace}/export/", {"maya": 403, **dict.fromkeys(OUT, 404), None: 302}, 200),
    "traces:outline": ("get", "/traces/{trace}/outline/", {"maya": 403, **AWAY}, 200),
    "traces:changes_csv": ("get", "/traces/{trace}/changes.csv", {"maya": 403, **AWAY}, 200),
    "traces:raw": ("get", "/traces/{trace}/raw/", AWAY, 200),
    "traces:verify": ("post", "/traces/{trace}/verify/", {**dict.fromkeys(OUT, 404)}, 302),
    "traces:answer": ("post", "/traces/{trace}/answer/", {**dict.fromkeys(OUT, 404)}, 302),
    **APPROVAL_ROWS,
    "actions:load": ("get", "/approvals/load/", {"dana": 200, "ava": 200, "omar": 200, None: 302}, 403),
    "actions:set_terms": ("post", "/approvals/load/terms/", {"dana": 422, "omar": 422, None: 302}, 403),
    "actions:rechecks": ("get", "/approvals/rechecks/", {"maya": 403, None: 302}, 200),
    "actions:answer_recheck": (
        "post",
        "/approvals/rechecks/{recheck}/",
        {"dana": 403, "ava": 403, "maya": 404, **AWAY},
        302,
    ),
    "actions:edit": ("post", "/approvals/{approval}/edit/", {**dict.fromkeys(OUT, 404), None: 302}, 422),
    "actions:rollback": (
        "get",
        "/traces/{trace}/roll-back/",
        {"dana": 200, "priya": 200, **dict.fromkeys(OUT, 404), None: 302},
        403,
    ),
    "actions:attest": (
        "get",
        "/actions/{action}/attest/",
        {"dana": 200, "priya": 200, **dict.fromkeys(OUT, 404), None: 302},
        403,
    ),
    "actions:answer": (
        "post",
        "/actions/{action}/attest/att_00000000000000000000000000/",
        {"dana": 404, "priya": 404, **dict.fromkeys(OUT, 404), None: 302},
        403,
    ),
    "actions:drift": ("get", "/actions/{action}/drift/", {**dict.fromkeys(OUT, 404), None: 302}, 200),
    "actions:ask_again": ("post", "/actions/{action}/ask-again/", {**dict.fromkeys(OUT, 404)}, 302),
    "actions:plan": ("get", "/plans/{plan}/", {**dict.fromkeys(OUT, 404), None: 302}, 200),
    "actions:decide_plan": ("post", "/plans/{plan}/decide/", {**dict.fromkeys(OUT, 404)}, 302),
    "actions:resume": (
        "post",
        "/plans/{plan}/resume/",
        {"dana": 302, "priya": 302, "maya": 302, **dict.fromkeys(OUT, 404), None: 302},
        403,
    ),
    "actions:continue_bulk": ("post", "/plans/{plan}/continue/blk_00000000000000000000000000/", {None: 302}, 404),
    "policies:list": ("get", "/policies/", {None: 302}, 200),
    **GOVERN_ROWS,
    **EMBED_ROWS,
    **POLICY_ROWS,
    **CHANNEL_ROWS,
    "accounts:sign_in": ("get", "/sign-in/", {None: 200}, 302),
    "accounts:sign_out": ("post", "/sign-out/", {}, 302),
    "accounts:switch_workspace": ("post", "/workspace/", {None: 302}, 404),
    "accounts:resume": ("get", "/resume/", {None: 302}, 200),
    # A person's own: nobody else's can be named.
    "accounts:apps": ("get", "/me/apps/", {None: 302}, 200),
    "accounts:end_app": ("post", "/me/apps/cns_00000000000000000000000000/end/", {None: 302}, 404),
    "accounts:discard_kept": ("post", "/resume/discard/", {}, 302),
    "console:healthz": ("get", "/healthz", {}, 200),
    "console:readyz": ("get", "/readyz", {}, 200),
    "console:metrics": ("get", "/metrics", {}, 200),
    "mcp": ("post", "/mcp", {}, 415),
}
# These know no people: without an agent's token or client they answer 401, or the metadata anyone may read (tests/gateway).
AGENT_API = ("api-1:", "oauth2_provider:")
# What is its own authority needs no token against forgery: an agent's bearer token, a signed link.
NO_COOKIES = {"mcp", "embed:answer"}
# Mounted only with an identity provider; held by tests/accounts/test_oidc_sign_in.py and test_oidc_attacks.py.
OIDC = {"oidc_authentication_init", "oidc_authentication_callback", "oidc_logout"}


def names(resolver=None, prefix="") -> set[str]:
    found: set[str] = set()
    for pattern in (resolver or get_resolver("console.urls")).url_patterns:
        if isinstance(pattern, URLResolver):
            found |= names(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(f"{prefix}{pattern.name}")
    return found


def test_every_route_has_a_row():
    assert {name for name in names() if not name.startswith(AGENT_API)} - OIDC == set(ROWS)


@pytest.fixture
def world(db, desk):
    """The cast and the places, made once and kept as rows: each of the rows below starts from them."""
    desk.reset()
    return restored("matrix", lambda: _world(desk))


def _world(desk):
    made = build_cast(desk)
    return made, _places(made)


@pytest.fixture
def cast(world):
    return world[0]


@pytest.fixture
def places(world):
    return world[1]


def _places(cast):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    policy = Policy.objects.get(workspace=cast.northwind, slug="support")
    source, now = policy.versions.get(is_live=True).source, database_now()
    replay = start_replay(actor=cast.actor("ken"), user=cast.user("ken"), policy=policy, source=source)
    trip = BreakerTrip.objects.create(
        workspace=cast.northwind, policy="support", breaker="x", key="x:workspace:all", reason="Why.", tripped_at=now
    )
    channel = Channel.objects.create(workspace=cast.northwind, kind="email", name="x", created_at=now)
    delivery = Delivery.objects.create(channel=channel, next_at=now, created_at=now, state="failed")
    factor = Factor.objects.create(user=cast.user("priya"), kind="totp", name="Phone", material="x", created_at=now)
    recheck = Recheck.objects.create(action=Action.objects.get(pk=refund.action_id), selected_at=now)
    view = SavedView.objects.create(
        workspace=cast.northwind, user=cast.user("priya"), name="x", query="?outcome=failed"
    )
    return {
        "view": view.pk, "factor": factor.pk, "recheck": recheck.pk,
        "plan": trace.plans.get().pk, "channel": channel.pk, "delivery": delivery.pk, "trace": trace.pk,
        "approval": refund.pk, "action": refund.action_id, "agent": cast.agent.pk, "replay": replay.pk,
        "trip": trip.pk, "token": cast.agent.credentials.get().pk,
    }  # fmt: skip


def ask(cast, first, method, path, **extra):
    client = Client()
    if first is not None:
        client.force_login(cast.user(first), backend=BACKEND)
    return getattr(client, method)(path, **extra)


def seen_and_wanted(cast, places, name) -> tuple[dict, dict]:
    """What each member gets; each request starts from the same state."""
    method, template, statuses, other = ROWS[name]
    seen = {}
    for first in CAST:
        with transaction.atomic():
            seen[first] = ask(cast, first, method, template.format(**places)).status_code
            transaction.set_rollback(True)
    return seen, {first: statuses.get(first, other) for first in CAST}


@pytest.mark.parametrize("name", sorted(set(ROWS) - set(POLICY_ROWS) - set(CHANNEL_ROWS)))
def test_row(cast, places, name):
    seen, wanted = seen_and_wanted(cast, places, name)
    assert seen == wanted


@pytest.mark.parametrize("method", ["get", "post"])
def test_rows_of_a_policy(cast, places, method):
    rows = {name: seen_and_wanted(cast, places, name) for name, row in POLICY_ROWS.items() if row[0] == method}
    assert {name: seen for name, (seen, _) in rows.items()} == {name: wanted for name, (_, wanted) in rows.items()}


def test_rows_of_notices(cast, places):
    rows = {name: seen_and_wanted(cast, places, name) for name in CHANNEL_ROWS}
    assert {name: seen for name, (seen, _) in rows.items()} == {name: wanted for name, (_, wanted) in rows.items()}


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if "{" in row[1] and "search" not in row[1]))
def test_p7_foreign_object_answers_like_a_missing_one(cast, places, name):
    method, template, _, _ = ROWS[name]
    kinds = {
        "trace": "trc", "approval": "apr", "action": "act", "agent": "agt", "replay": "rpl", "trip": "trp",
        "factor": "fac", "recheck": "rck", "plan": "pln", "channel": "chn", "delivery": "msg", "view": "vew",
        "token": "crd",
    }  # fmt: skip
    missing = {name: f"{prefix}_00000000000000000000000000" for name, prefix in kinds.items()}
    foreign = ask(cast, "omar", method, template.format(**places))
    absent = ask(cast, "omar", method, template.format(**missing))
    assert foreign.status_code == absent.status_code == 404
    assert len(foreign.content.replace(b"csrf", b"")) == len(absent.content.replace(b"csrf", b""))


def test_v352_every_unsafe_route_needs_a_csrf_token(cast, places):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.user("priya"), backend=BACKEND)
    for name, (method, template, _, _) in ROWS.items():
        if method == "post" and name not in NO_COOKIES:
            assert client.post(template.format(**places)).status_code == 403, name


def test_unsafe_routes_refuse_get(cast, places):
    posts = {name for name, row in ROWS.items() if row[0] == "post"} - {"mcp", "actions:edit"}
    for name in sorted(posts):
        assert ask(cast, "ken", "get", ROWS[name][1].format(**places)).status_code == 405, name


def test_v346_pages_carry_a_strict_policy_and_are_not_stored(cast, places):
    answer = ask(cast, "priya", "get", f"/traces/{places['trace']}/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "no-store" in answer["Cache-Control"] and answer["X-Frame-Options"] == "DENY"
