"""Pages that change actions: edit a pending payload, roll back, say what happened, ask again, decide and resume plans, pause."""

from django.urls import path

from actions import (
    views,
    views_agents,
    views_connections,
    views_doubt,
    views_drift,
    views_import,
    views_list,
    views_load,
    views_pause,
    views_plan,
    views_rollback,
    views_tools,
)

app_name = "actions"
urlpatterns = [
    # Before the approvals' own addresses, which would take these words for an id.
    path("approvals/load/", views_load.load_, name="load"),
    path("approvals/load/terms/", views_load.set_terms_, name="set_terms"),
    path("approvals/rechecks/", views_load.rechecks, name="rechecks"),
    path("approvals/rechecks/<str:recheck_id>/", views_load.answer_recheck_, name="answer_recheck"),
    path("approvals/<str:request_id>/edit/", views.edit, name="edit"),
    path("approvals/<str:request_id>/withdraw/", views.withdraw_, name="withdraw"),
    path("traces/<str:trace_id>/roll-back/", views_rollback.rollback, name="rollback"),
    path("actions/", views_list.action_list, name="list"),
    path("actions/export/", views_list.export, name="export"),
    path("actions/<str:action_id>/attest/", views_doubt.attest_, name="attest"),
    path("actions/<str:action_id>/attest/<str:attestation_id>/", views_doubt.answer_, name="answer"),
    path("actions/<str:action_id>/drift/", views_drift.drift, name="drift"),
    path("actions/<str:action_id>/ask-again/", views_drift.ask_again, name="ask_again"),
    path("plans/<str:plan_id>/", views_plan.plan_, name="plan"),
    path("plans/<str:plan_id>/decide/", views_plan.decide, name="decide_plan"),
    path("plans/<str:plan_id>/continue/<str:bulk_id>/", views_plan.continue_, name="continue_bulk"),
    path("plans/<str:plan_id>/resume/", views_plan.resume_, name="resume"),
    path("agents/", views_agents.agent_list, name="agents"),
    path("agents/<str:agent_id>/", views_agents.agent_detail, name="agent"),
    path("agents/<str:agent_id>/tokens/", views_agents.issue_token_, name="issue_token"),
    path("agents/<str:agent_id>/tokens/<str:credential_id>/revoke/", views_agents.revoke_token_, name="revoke_token"),
    path("agents/<str:agent_id>/runbook/", views_agents.runbook, name="runbook"),
    path("tools/", views_tools.tool_list, name="tools"),
    path("tools/<str:name>/", views_tools.tool_detail, name="tool"),
    path("tools/<str:name>/definition/", views_tools.decide_tool, name="decide_tool"),
    path("connections/", views_connections.connection_list, name="connections"),
    path("connections/<str:slug>/", views_connections.connection_detail, name="connection"),
    path("connections/<str:slug>/check/", views_connections.check, name="check_connection"),
    path("connections/<str:slug>/rotate/", views_connections.rotate, name="rotate_connection"),
    path("connections/<str:slug>/tools/", views_import.offers, name="offers"),
    path("connections/<str:slug>/tools/read/", views_import.read_offers, name="read_offers"),
    path("connections/<str:slug>/tools/import/", views_import.import_offers, name="import_offers"),
    path("pause/", views_pause.pause_, name="pause"),
    path("pause/<str:switch_id>/release/", views_pause.release_, name="release"),
]
