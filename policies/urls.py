"""Policy pages: the editor's tabs, publishing, history, replay, ship gate. A POST address has one intent."""

from django.urls import URLPattern, path

from policies.views import (
    breakers,
    cells,
    document,
    editor,
    fields,
    gates,
    impact,
    listing,
    publish,
    rules,
    scopes,
    shadow,
    steps,
    suggestions,
    versions,
)  # fmt: skip

app_name = "policies"


def _section(name: str) -> list[URLPattern]:
    """A list of rules: its tab, and what changes it."""
    return [path(f"<slug:slug>/{name}/", rules.rules, {"section": name}, name=name), *_forms(name)]


def _forms(name: str) -> list[URLPattern]:
    """The form for a new rule of a list and for one that stands, and taking one out."""
    known = {"section": name}
    return [
        path(f"<slug:slug>/{name}/new/", rules.edit, known, name=f"{name}_new"),
        path(f"<slug:slug>/{name}/edit/<str:id>/", rules.edit, known, name=f"{name}_edit"),
        path(f"<slug:slug>/{name}/remove/<str:id>/", rules.remove, known, name=f"{name}_remove"),
    ]


urlpatterns = [
    path("", listing.policy_list, name="list"),
    path("agents/<str:agent_id>/gate/", gates.agent_gate, name="agent_gate"),
    path("<slug:slug>/", editor.tiers, name="detail"),
    path("<slug:slug>/draft/open/", editor.open_, name="open"),
    path("<slug:slug>/draft/discard/", editor.discard, name="discard"),
    path("<slug:slug>/draft/rebase/", publish.rebase, name="rebase"),
    path("<slug:slug>/tiers/", editor.tiers, name="tiers"),
    path("<slug:slug>/tiers/set/", cells.set_cell, name="set_cell"),
    path("<slug:slug>/roles/add/", cells.add_role, name="add_role"),
    path("<slug:slug>/roles/<str:role>/", cells.role, name="role"),
    path("<slug:slug>/roles/<str:role>/remove/", cells.remove_role, name="remove_role"),
    path("<slug:slug>/roles/<str:role>/move/", gates.move, name="move"),
    path("<slug:slug>/fields/", fields.fields, name="fields"),
    path("<slug:slug>/fields/set/", fields.set_fields, name="set_fields"),
    path("<slug:slug>/fields/add/", fields.add_field, name="add_field"),
    path("<slug:slug>/fields/mask/", fields.set_mask, name="set_mask"),
    path("<slug:slug>/fields/unlisted/", fields.set_unlisted, name="set_unlisted"),
    path("<slug:slug>/fields/redact/", fields.set_redact, name="set_redact"),
    path("<slug:slug>/rows/", scopes.rows, name="rows"),
    path("<slug:slug>/rows/<str:role>/<str:resource_type>/", scopes.scope, name="scope"),
    *_section("invariants"),
    *_section("limits"),
    *_section("freezes"),
    *_section("breakers"),
    *_forms("demotions"),
    path("<slug:slug>/breakers/reset/<str:trip_id>/", breakers.reset_, name="reset"),
    path("<slug:slug>/steps/", steps.steps, name="steps"),
    path("<slug:slug>/steps/new/", steps.edit, name="steps_new"),
    path("<slug:slug>/steps/edit/<str:name>/", steps.edit, name="steps_edit"),
    path("<slug:slug>/steps/remove/<str:name>/", steps.remove, name="steps_remove"),
    path("<slug:slug>/versions/", versions.versions, name="versions"),
    path("<slug:slug>/versions/<str:span>/", versions.compare, name="compare"),
    path("<slug:slug>/versions/<int:number>/revert/", versions.revert, name="revert"),
    path("<slug:slug>/publish/", publish.publish, name="publish"),
    path("<slug:slug>/publish/agree/", publish.agree_, name="agree"),
    path("<slug:slug>/publish/decline/", publish.decline_, name="decline"),
    path("<slug:slug>/waivers/add/", publish.add_waiver, name="add_waiver"),
    path("<slug:slug>/waivers/<str:id>/remove/", publish.remove_waiver, name="remove_waiver"),
    path("<slug:slug>/impact/", impact.impact, name="impact"),
    path("<slug:slug>/impact/start/", impact.start, name="start_replay"),
    path("<slug:slug>/impact/<str:replay_id>/", impact.actions, name="actions"),
    path("<slug:slug>/impact/<str:replay_id>/cancel/", impact.cancel, name="cancel_replay"),
    path("<slug:slug>/gate/", gates.gate, name="gate"),
    path("<slug:slug>/shadow/", shadow.shadow, name="shadow"),
    path("<slug:slug>/shadow/start/", shadow.start, name="start_shadow"),
    path("<slug:slug>/shadow/stop/", shadow.stop, name="stop_shadow"),
    path("<slug:slug>/suggestions/", suggestions.suggestions_page, name="suggestions"),
    path("<slug:slug>/suggestions/open/", suggestions.open_suggestion, name="open_suggestion"),
    path("<slug:slug>/document/", document.document, name="document"),
]
