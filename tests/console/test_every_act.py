"""Every route that changes something, and what of it stands in the audit log. A new one without a line here fails."""

import ast
from pathlib import Path

import pytest
from django.urls import URLResolver, get_resolver

from traces.audit.acts import IN_TRACES
from traces.audit.listing import FAMILIES
from traces.entry_types import LABELS

ROOT = Path(__file__).parents[2]
APPS = ("accounts", "actions", "approvals", "policies", "traces", "console", "gateway")
# Agents, not people: what they do is in traces (tests/gateway). They have no session.
FOR_AGENTS = ("api-1:", "mcp", "oauth2_provider:token", "oauth2_provider:revoke-token")
DRAFT = "policy.draft_changed"
LISTS = ("invariants", "limits", "freezes", "breakers", "demotions")
# Route -> what it leaves in the audit log.
ACTS = {
    "accounts:sign_in": "sign_in.passed", "accounts:sign_out": "sign_in.ended", "accounts:end_app": "consent.ended",
    "oauth2_provider:authorize": "consent.given",
    "console:person": "person.attribute_changed", "console:single_on": "single_operator.on",
    "console:single_off": "single_operator.off",
    "actions:set_terms": "approval_settings.changed", "actions:answer_recheck": "action.rechecked",
    "actions:edit": "action.edited", "actions:withdraw": "action.cancelled", "actions:rollback": "rollback.requested",
    "actions:attest": "action.attested", "actions:answer": "action.attestation_confirmed",
    "actions:ask_again": "action.replanned", "actions:decide_plan": "approval.verdict_recorded",
    "actions:continue_bulk": "bulk.continued", "actions:resume": "plan.resumed",
    "actions:issue_token": "agent_token.issued", "actions:revoke_token": "agent_token.revoked",
    "actions:end_consent": "consent.ended", "actions:agent_access": "agent.changed", "actions:runbook": "agent.changed",
    "actions:decide_tool": "tool.approved", "actions:connect": "connection.saved",
    "actions:check_connection": "connection.checked", "actions:rotate_connection": "connection.rotated",
    "actions:read_offers": "connection.listed", "actions:import_offers": "connection.imported",
    "actions:pause": "pause.set", "actions:release": "pause.released",
    "approvals:confirm_app": "factor.enrolled", "approvals:add_passkey": "factor.enrolled",
    "approvals:codes": "recovery_codes.made", "approvals:rename_factor": "factor.renamed",
    "approvals:remove_factor": "factor.removed", "approvals:step_up": "step_up.passed",
    "approvals:away": "delegation.made", "approvals:revoke_delegation": "delegation.revoked",
    "approvals:batch": "approval.verdict_recorded", "approvals:decide": "approval.verdict_recorded",
    "approvals:confirm": "approval.verdict_recorded", "approvals:ask_changes": "approval.changes_asked",
    "approvals:snooze": "approval.snoozed", "approvals:wake": "approval.woken",
    "approvals:break_glass": "approval.break_glass", "approvals:glass_review": "approval.glass_reviewed",
    "approvals:glass_confirm": "approval.glass_confirmed",
    "traces:reveal": "trace.revealed", "traces:answer": "trace.answered", "embed:answer": "trace.answered",
    "embed:settings": "frame_origin.allowed", "embed:remove_origin": "frame_origin.removed",
    "embed:revoke_link": "trace.link_revoked",
    "notices:new": "channel.saved", "notices:detail": "channel.saved", "notices:test": "channel.tested",
    "notices:pause": "channel.paused", "notices:resume": "channel.resumed", "notices:remove": "channel.removed",
    "notices:rotate": "channel.secret_rotated", "notices:again": "delivery.sent_again",
    "notices:hosts": "egress.allowed", "notices:remove_host": "egress.removed",
    "policies:list": "policy.draft_opened", "policies:open": "policy.draft_opened",
    "policies:revert": "policy.draft_opened", "policies:open_suggestion": "policy.draft_opened",
    "policies:discard": "policy.draft_discarded", "policies:publish": "policy.proposed",
    "policies:agree": "policy.agreed", "policies:decline": "policy.declined", "policies:reset": "breaker.reset",
    "policies:start_shadow": "policy.shadow_started", "policies:stop_shadow": "policy.shadow_stopped",
    **{
        f"policies:{name}": DRAFT
        for name in (
            "rebase", "set_cell", "add_role", "role", "remove_role", "move", "set_fields", "add_field", "set_mask",
            "set_unlisted", "set_redact", "scope", "steps_new", "steps_edit", "steps_remove", "add_waiver",
            "remove_waiver", "document", *(f"{section}_{verb}" for section in LISTS for verb in ("new", "edit", "remove")),
        )
    },
}  # fmt: skip
# Route -> why nothing of it stands there.
NO_ACTS = {
    "accounts:discard_kept": "A form that was never sent.",
    "accounts:switch_workspace": "Which workspace a person looks at.",
    "approvals:begin_app": "Nothing is enrolled before its code is given.",
    "approvals:passkey_options": "A question to the browser.",
    "approvals:step_up_options": "A question to the browser.",
    "approvals:confirm_options": "A question to the browser.",
    "traces:view_save": "A person's own bookmark.",
    "traces:view_remove": "A person's own bookmark.",
    "traces:verify": "It looks, and changes nothing.",
    "notices:mine": "What a person is told of for themself.",
    "policies:start_replay": "It counts past actions, calls no tool and changes no policy.",
    "policies:cancel_replay": "It ends a count.",
}


def methods_of(view) -> list[str]:
    """What a view answers to, as its decorator keeps it; everything where it has none."""
    while view is not None:
        cells = (
            dict(zip(view.__code__.co_freevars, view.__closure__ or (), strict=True))
            if hasattr(view, "__code__")
            else {}
        )
        if "request_method_list" in cells:
            return cells["request_method_list"].cell_contents
        view = getattr(view, "__wrapped__", None)
    return ["GET", "POST"]


def unsafe(resolver=None, prefix="") -> set[str]:
    found: set[str] = set()
    for one in (resolver or get_resolver("console.urls")).url_patterns:
        if isinstance(one, URLResolver):
            found |= unsafe(one, f"{prefix}{one.namespace}:" if one.namespace else prefix)
        elif "POST" in methods_of(one.callback):
            found.add(f"{prefix}{one.name}")
    return found - {"console:healthz", "console:readyz"}


def test_every_route_that_changes_something_says_what_stands_in_the_audit_log():
    assert {name for name in unsafe() if not name.startswith(FOR_AGENTS)} == {*ACTS, *NO_ACTS}
    assert set(ACTS) & set(NO_ACTS) == set()


@pytest.mark.parametrize("type_", sorted(set(ACTS.values())))
def test_each_of_these_entries_is_written_somewhere_and_shown_by_the_audit_log(type_):
    assert type_ in LABELS and type_.partition(".")[0] in FAMILIES
    in_trace = type_.partition(".")[0] in {"action", "approval", "rollback", "bulk", "plan", "trace"}
    assert not in_trace or type_ in IN_TRACES


# How a verb reaches the ledger.
RECORDERS = {"append", "record_governance", "record_act", "record_everywhere"}
# A look under a lock: whoever asks for it records what they do then.
NO_RECORD = {"draft_under_lock"}


def _functions():
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    yield node


def _calls(node) -> set[str]:
    return {one.func.id for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}


def test_every_verb_that_takes_who_does_it_reaches_the_ledger():
    """A public function with `actor` and `user` is an act of a person: what it calls has to lead to the ledger."""
    called: dict[str, set[str]] = {}
    verbs = set()
    for node in _functions():
        called.setdefault(node.name, set()).update(_calls(node))
        if {"actor", "user"} <= {arg.arg for arg in node.args.kwonlyargs} and not node.name.startswith("_"):
            verbs.add(node.name)

    def reaches(name, seen):
        return name in RECORDERS or any(
            reaches(one, seen | {name})
            for one in called.get(name, ())
            if one not in seen and (one in called or one in RECORDERS)
        )

    assert len(verbs) > 30
    assert {verb for verb in verbs if not reaches(verb, frozenset())} - NO_RECORD == set()
