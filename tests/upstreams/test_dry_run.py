"""What a tool's own dry run says is what people decide on, and what must still hold when it runs (P3, P4)."""

import pytest

from actions.importing import ImportRefused
from actions.models import Action, Tool
from actions.offers import Choice
from tests.builders import opened, request_of, vote, work
from tests.upstreams.world import TOOL, allow, ask, bring, connect

DRY = {"note_add": Choice("write", "irreversible", dry_run="dryRun")}


@pytest.fixture
def notes(cast, server):
    connection = connect(cast, server)
    bring(cast, connection, DRY)
    allow(cast, mode="approval", tools=(TOOL,))
    return connection


def test_reviewers_see_what_the_dry_run_says_and_agents_cannot_ask_for_one(cast, server, notes):
    trace = opened(cast)
    assert ask(cast, trace)["state"] == "pending" and server.notes == []
    request = request_of(trace, TOOL)
    assert request.displayed["payload"]["dry_run"] == "would add call back" and request.displayed["editable"] == []
    assert "dryRun" not in Tool.objects.get(name=TOOL).definition["input_schema"]["properties"]
    assert "dryRun" in str(ask(cast, trace, arguments={"text": "x", "dryRun": True})["detail"])
    vote(cast, request, "priya")
    work(trace)
    assert server.notes == ["call back"] and Action.objects.get(trace=trace).state == "succeeded"


def test_the_page_shows_it_in_the_systems_name(cast, server, notes, client):
    trace = opened(cast)
    ask(cast, trace)
    client.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/approvals/{request_of(trace, TOOL).pk}/").content.decode()
    assert "What its own dry run says" in page and "would add call back" in page


def test_another_dry_run_at_dispatch_blocks(cast, server, notes):
    trace = opened(cast)
    ask(cast, trace)
    vote(cast, request_of(trace, TOOL), "priya")
    server.result = {"content": [{"type": "text", "text": "would add call back and delete the rest"}]}
    work(trace)
    found = Action.objects.get(trace=trace)
    assert found.state == "blocked" and "dry_run" in found.detail and server.notes == []


def test_a_dry_run_is_never_asked_of_a_tool_that_changed(cast, server, notes):
    """The same name may mean another thing by now, and do it in earnest before anybody decided."""
    server.tools[1] = {**server.tools[1], "description": "Has no dry run any more."}
    denied = ask(cast, opened(cast))
    assert denied["decision"]["effect"] == "deny" and "changed, so nothing was sent" in denied["decision"]["reason"]
    assert "tools/call" not in server.methods() and server.notes == []


def test_a_dry_run_that_fails_denies(cast, server, notes):
    server.result = {"content": [{"type": "text", "text": "No such list."}], "isError": True}
    denied = ask(cast, opened(cast))
    assert denied["decision"]["effect"] == "deny" and "No such list." in denied["decision"]["reason"]


@pytest.mark.parametrize(
    "answer",
    [
        {"resultType": "input_required", "inputRequests": {}, "requestState": "x"},
        {"resultType": "task", "taskId": "t", "status": "working"},
        {"content": []},
        {"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]},
    ],
    ids=["asks back", "answers later", "says nothing", "shows a picture"],
)
def test_a_dry_run_that_says_nothing_is_none(cast, server, notes, answer):
    """People would decide on an empty page."""
    server.result = answer
    denied = ask(cast, opened(cast))
    assert denied["decision"]["effect"] == "deny" and "dry run" in denied["decision"]["reason"], denied
    assert server.notes == []


def test_another_tool_may_be_the_dry_run_and_is_pinned_too(cast, server):
    connection = connect(cast, server)
    bring(cast, connection, {"note_add": Choice("write", "irreversible", dry_run="echo")})
    allow(cast, mode="approval", tools=(TOOL,))
    trace = opened(cast)
    ask(cast, trace)
    assert request_of(trace, TOOL).displayed["payload"]["dry_run"] == "call back"
    server.tools[0] = {**server.tools[0], "description": "Says it to everybody."}
    assert "echo changed" in ask(cast, opened(cast), arguments={"text": "later"})["decision"]["reason"]


@pytest.mark.parametrize(
    ("effect", "dry_run"), [("write", "text"), ("write", "nothing"), ("write", "note_add"), ("read", "dryRun")]
)
def test_what_is_no_dry_run_is_refused(cast, server, effect, dry_run):
    with pytest.raises(ImportRefused, match="note_add"):
        bring(cast, connect(cast, server), {"note_add": Choice(effect, "irreversible", dry_run=dry_run)})
    assert not Tool.objects.filter(name=TOOL).exists()
