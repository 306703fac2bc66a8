"""Who may open the pages of agents, tools, connections, trust and the audit log: rows of the access matrix."""

AWAY = {"omar": 404, "lena": 404, None: 302}
# Members who only ask do not see agents; an agent of another tenant is not there.
SEES_AGENTS = {"maya": 403, None: 302}
AGENT = {"maya": 404, **AWAY}
# Tools and connections are named within the reader's own workspace; both have these names.
SEES_NAMED = {"maya": 404, None: 302}
CONNECTS = {"dana": 200, "ken": 200, "omar": 200}
GOVERN_ROWS: dict[str, tuple[str, str, dict, int]] = {
    # Who did what is for owners and auditors; the other tenant's owner reads his own.
    "console:audit": ("get", "/audit/", {"dana": 200, "ava": 200, "omar": 200, None: 302}, 403),
    "console:audit_export": (
        "get",
        "/audit/export/?format=csv",
        {"dana": 200, "ava": 200, "omar": 200, None: 302},
        403,
    ),
    # Reviewers, operators and auditors; an owner asks one of them.
    "traces:reveal": ("get", "/traces/{trace}/reveal/", {"maya": 403, "dana": 403, **AWAY}, 200),
    "console:trust": ("get", "/trust/", {"maya": 403, None: 302}, 200),
    "console:trust_rows": ("get", "/trust/escalations/", {"maya": 403, None: 302}, 200),
    "console:trust_agent": ("get", "/trust/agents/{agent}/", AGENT, 200),
    "console:gallery": ("get", "/gallery/", {"dana": 200, "omar": 200, None: 302}, 404),
    "console:rollbacks": ("get", "/rollbacks/", {"maya": 403, None: 302}, 200),
    # Owners, each of their own workspace's people.
    "console:people": ("get", "/people/", {"dana": 200, "omar": 200, None: 302}, 403),
    "console:person": ("get", "/people/person/maya@northwind.example/", {"dana": 200, "omar": 404, None: 302}, 403),
    # Turning it on needs a reason and, where it would hold, a proof; off is an owner's word.
    "console:single_operator": ("get", "/people/single-operator/", {"dana": 200, "omar": 200, None: 302}, 403),
    "console:single_on": ("post", "/people/single-operator/on/", {"dana": 422, "omar": 422, None: 302}, 403),
    "console:single_off": ("post", "/people/single-operator/off/", {"dana": 302, "omar": 302, None: 302}, 403),
    "actions:list": ("get", "/actions/?tool=desk.order.get", {None: 302}, 200),
    "actions:export": ("get", "/actions/export/?format=csv", {"maya": 403, None: 302}, 200),
    "actions:agents": ("get", "/agents/", SEES_AGENTS, 200),
    "actions:agent": ("get", "/agents/{agent}/", AGENT, 200),
    # Nobody here proved who they are: owners are sent to prove it.
    "actions:issue_token": ("post", "/agents/{agent}/tokens/", {"dana": 422, "maya": 404, **AWAY}, 403),
    "actions:revoke_token": (
        "post",
        "/agents/{agent}/tokens/{token}/revoke/",
        {"dana": 302, "priya": 302, "maya": 404, **AWAY},
        403,
    ),
    "actions:end_consent": (
        "post",
        "/agents/{agent}/consents/cns_00000000000000000000000000/end/",
        {"dana": 404, "priya": 404, "maya": 404, **AWAY},
        403,
    ),
    # Operators and owners shut an agent out; owners alone let it in again.
    "actions:agent_access": ("get", "/agents/{agent}/access/", {"dana": 200, "priya": 200, "maya": 404, **AWAY}, 403),
    "actions:runbook": ("post", "/agents/{agent}/runbook/", {"dana": 302, "maya": 404, **AWAY}, 403),
    "actions:tools": ("get", "/tools/", SEES_AGENTS, 200),
    "actions:tool": ("get", "/tools/desk.order.get/", SEES_NAMED, 200),
    "actions:decide_tool": ("post", "/tools/desk.order.get/definition/", {"ken": 409, **SEES_NAMED}, 403),
    "actions:connections": ("get", "/connections/", SEES_AGENTS, 200),
    # Owners and policy admins, each in their own workspace.
    "actions:new_connection": ("get", "/connections/new/", {**CONNECTS, "maya": 403, None: 302}, 403),
    "actions:connect": ("get", "/connections/new/mcp/", {**CONNECTS, "maya": 403, None: 302}, 403),
    "actions:connection": ("get", "/connections/desk/", SEES_NAMED, 200),
    "actions:check_connection": (
        "post",
        "/connections/none/check/",
        {None: 302},
        404,
    ),
    "actions:rotate_connection": ("post", "/connections/desk/rotate/", {"dana": 422, "omar": 422, **SEES_NAMED}, 403),
    # A connection of kind records describes no tools, and nobody here proved who they are.
    "actions:offers": ("get", "/connections/desk/tools/", {"ken": 302, **SEES_NAMED}, 403),
    "actions:read_offers": ("post", "/connections/desk/tools/read/", {"ken": 302, **SEES_NAMED}, 403),
    "actions:import_offers": ("post", "/connections/desk/tools/import/", {"ken": 302, **SEES_NAMED}, 403),
    "actions:pause": ("get", "/pause/", {"maya": 403, "omar": 200, "lena": 200, None: 302}, 200),
    "actions:release": (
        "post",
        "/pause/swi_00000000000000000000000000/release/",
        {"dana": 404, "priya": 404, "omar": 404, None: 302},
        403,
    ),
}
# A link opens the same for everybody who has it, and what is no link the same for nobody (tests/embed).
EMBED_ROWS: dict[str, tuple[str, str, dict, int]] = {
    "embed:show": ("get", "/show/x/", {}, 404),
    "embed:answer": ("post", "/show/x/answer/", {}, 404),
    "embed:settings": ("get", "/embedding/", SEES_AGENTS, 200),
    "embed:remove_origin": (
        "post",
        "/embedding/origins/org_00000000000000000000000000/remove/",
        {"dana": 404, "omar": 404, None: 302},
        403,
    ),
    "embed:revoke_link": (
        "post",
        "/embedding/links/lnk_00000000000000000000000000/revoke/",
        {"dana": 404, "omar": 404, None: 302},
        403,
    ),
}
