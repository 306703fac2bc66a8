"""Sample contexts in the product's own types, so that a changed contract fails here before it reaches a page."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import yaml

from accounts.models import Agent, User, Workspace
from actions.agent_page import AgentRow, Hold
from actions.definition import Definition
from actions.forms import EditForm
from approvals.queue import QueueGroup, QueuePage, QueueRow, QueueTab
from approvals.rail import Line
from approvals.review import Review, segments
from console.gallery import AT, CARD, DENIED, ESCALATED, PASSED, ROWS, TRACE, samples
from console.navigation import AgentsState, Item, Nav
from traces.story.brief import Line as BriefLine
from traces.story.build import Event, Story, Tab
from traces.story.todo import Runbook, Todo

REQUEST = "apr_01K7R0B3W3X6Y9Z0ABTRC4M8T2"
MAIL = {"$withheld": "email", "commitment": "beef"}


def nav() -> Nav:
    workspace = Workspace(pk="wks_1", slug="northwind", name="Northwind", environment="production", is_sample=True)
    items = [Item("Home", "/", "house", None, False), Item("Approvals", "/approvals/", "inbox", 7, True)]
    return Nav(
        workspace,
        [workspace],
        User(pk="usr_1", name="Priya Nair"),
        items,
        AgentsState(True, "All agents running", "9 registered"),
    )


def step(n: int, title: str, tool: str, mode: str, status: str, text: str) -> dict:
    result = {"status": "done", "text": "", "elapsed_s": 0.4}
    return {
        "ref": f"step-{n}",
        "n": n, "title": title, "tool": tool, "mode": mode, "mode_word": mode.capitalize(), "policy_status": status,
        "policy_text": text, "result": result, "action_id": f"act_{n}", "detail": "",
    }  # fmt: skip


def call(n: int, tool: str) -> dict:
    return {
        "ref": f"call-{n}", "step_n": n, "tool": tool, "at": AT, "status": "done", "status_text": "200", "duration_s": 1.1,
        "sent": [("amount", 24000), ("card", CARD)], "received": [("id", "re_3PqRx9"), ("receipt_email", MAIL)],
        "withheld": ["credit_limit"], "credential": [("Scope", "refunds:write")], "detail": "",
    }  # fmt: skip


def story(**changes) -> Story:
    """The refund of the pictures; keyword arguments replace attributes."""
    tab = changes.get("tab", "ledger")
    told = {
        "trace_id": TRACE, "title": "Refunded $240.00 on order 48213 and updated 2 account fields", "outcome": "completed",
        "finished": True, "exceptions": [{"status": "denied", "text": "1 field blocked", "href": "#checks"}], "started_at": AT,
        "duration_s": 382.0, "waited_s": 348.0,
        "answers": [{"label": "Who asked", "value": "Maya Chen", "detail": "Support ticket 88213", "href": "#intent"}],
        "tabs": [Tab(key, key.capitalize(), 1, "", f"?tab={key}", key == tab) for key in ("ledger", "checks", "calls")],
        "tab": tab, "intent": "Customer was charged twice for order 48213.", "sources": [{"title": "Ticket 88213", "ref": "t:1"}],
        "steps": [step(3, "Update account record", "crm.account.update", "auto", "denied", "2 fields allowed, 1 denied")],
        "refused": [], "shown_checks": [DENIED, ESCALATED], "passed_checks": [PASSED],
        "changes": [{
            "ref": "change-3", "step_n": 3, "noun": "Account", "name": "Birch & Co", "record_id": "acct_5521", "link_url": "http://127.0.0.1/a",
            "link_label": "Open in CRM", "happened": True, "unchanged": False, "state_text": "", "rows": ROWS,
        }],
        "calls": [call(2, "stripe.refunds.create")],
        "escalations": [{
            "ref": "escalation-1",
            "at": AT, "who": "Tomás Ruiz", "is_person": True, "step_n": 2, "did_status": "approved", "did_text": "Approved",
            "saw": "Plan, refund diff", "reason": "Duplicate confirmed.", "waited_s": 139.0,
        }],
        "timeline": [{
            "state": "done", "text_strong": "Tomás Ruiz", "text": "approved", "quote": "Yes.", "at": AT, "after_s": 139.0,
        }],
        "timeline_count": "2 of 2",
        "rollback_items": [{"label": "Email", "status": "cant_undo", "text": "", "action_id": "act_4"}],
        "events": [Event(1, AT, "trace.opened", "Opened", "refunds-agent", {"intent": "x"}, "9f3ce1a7")],
        "rolled_back_by": [], "answered": "", "can_roll_back": True, "undo_stopped": "", "plans": [],
        "brief": [BriefLine("Who asked", "Maya Chen asked on 20 Nov 2026 at 02:03:09 UTC: “Refund it.”")],
        "todos": [Todo("Nothing has to be done. If it was wrong, roll it back.")],
        "asked_by": "Maya Chen", "acted_by": "refunds-agent",
        "runbooks": [Runbook("crm.account.update", "https://wiki.example/crm")],
    }  # fmt: skip
    return Story(**(told | changes))


def integrity(*, ok: bool = True) -> dict:
    problem = SimpleNamespace(record=9, expected="aaaa", found="bbbb", problem="Record 9 was changed.")
    detail = "14 records, no gaps." if ok else problem.problem
    return {
        "ok": ok,
        "records": 14,
        "head": "9f3c" * 16,
        "checked_at": AT,
        "detail": detail,
        "problem": None if ok else problem,
    }


def trace_page(*, sound: bool = True, all_checks: bool = False, **changes) -> dict:
    """What `traces.views` gives to trace_detail.html."""
    return {
        "nav": nav(), "trace": SimpleNamespace(pk=TRACE, rollback_of_id=None, agent=None), "story": story(**changes),
        "integrity": integrity(ok=sound), "all_checks": all_checks, "export_url": "/x/", "verify_url": "/v/", "answer_url": "/a/",
        "rollback_url": "/r/", "can_rollback": True, "may_settle": True, "pause_url": "", "opened": frozenset(),
        "can_export": True, "raw_url": "/raw/", "poll_url": f"/traces/{TRACE}/?tab=ledger&head=1",
    }  # fmt: skip


def review(**changes) -> Review:
    """The e-mail of the pictures, waiting for a decision."""
    before, after = "We guarantee this won't happen again.", "Here is what we changed."
    body = segments(f"Hi,\n\n{before}\n", f"Hi,\n\n{after}\n")
    told = {
        "id": REQUEST, "title": "Email 212 customers about outage credits", "kind": "draft",
        "state": "open", "asked_by": "Dana Ortiz",
        "agent": "lifecycle-agent", "trace_id": TRACE, "trace_url": f"/traces/{TRACE}/", "position": 1, "total": 7,
        "prev_url": "", "next_url": "/next/", "time_left": "14 min left", "urgency": "soon", "due_at": AT + timedelta(minutes=14),
        "blast": [{"label": "Reaches", "value": "212 people", "detail": "3 dropped by row scope"}],
        "payload": {
            "kind": "email", "title": "What will be sent", "to_segments": [("same", "ap@birch.example")],
            "subject_segments": [("same", "A credit")], "body_segments": body,
        },
        "checks": [ESCALATED], "passed_checks": [PASSED], "policy": "Support v18",
        "steps": [Line("current", "Step 1 · Support lead", "You, or Ken Abe")],
        "context_used": [{"title": "Incident 2026-11-19"}],
        "can_decide": True, "my_steps": (),
        "why_not": "", "decide_url": "/d/", "edit_url": "/e/", "can_edit": True, "digest": "sha256:aa",
        "irreversible": True, "approve_label": "Send with 1 edit", "confirm_text": "Send to 212 people",
        "default_text": "If nobody decides by 10:11 UTC, it is denied.", "conflict": "", "raw": "", "raw_url": "?view=raw",
        "plain_url": "/p/", "edits_count": 1, "settled_text": "", "locked": [], "long_values": [], "opened": False,
        "all_url": "?all=1", "must_open": [],
        "glass_url": "/approvals/apr_1/break-glass/", "glass_review_url": "",
    }  # fmt: skip
    return Review(**(told | changes))


def edit_form() -> EditForm:
    """The editor of that e-mail."""
    tools = yaml.safe_load((Path(__file__).parents[2] / "sample/world/tools.yaml").read_text())["tools"]
    mail = Definition(next(tool for tool in tools if tool["name"] == "desk.mail.send"))
    arguments = {"to": "ap@birch.example", "subject": "A credit", "body": "Hi,"}
    return EditForm(definition=mail, arguments=arguments, editable=["subject", "body"], digest="sha256:aa")


def queue_page() -> QueuePage:
    row = QueueRow(
        REQUEST,
        "/q/",
        "Refund $1,180.00 on order 48377",
        "refunds-agent",
        "step 2 of 2",
        AT,
        "22 min left",
        "soon",
        True,
        "open",
    )
    return QueuePage([QueueGroup("Due within 30 min", [row])], [QueueTab("", "Mine to decide", "?", True)], 7, "", [])


def review_page(**changes) -> dict:
    """What `approvals.views` gives to queue.html."""
    return {"nav": nav(), "queue": queue_page(), "review": review(**changes), "form": None, "landing": False}


def home_page(needs: int = 1) -> dict:
    """What `console.views` gives to home.html."""
    user, workspace = User(pk="usr_2", name="Dana Ortiz"), nav().workspace
    agent = Agent(
        pk="agt_1",
        name="refunds-agent",
        policy="support",
        role="refunds",
        state="active",
        owner=user,
        workspace=workspace,
    )
    rows = [queue_page().groups[0].rows[0]] * needs
    return {
        "nav": nav(),
        "title": "1 thing needs you",
        "needs": rows,
        "needs_count": needs,
        "latest": [],
        "agents": [AgentRow(agent, "Support v1", "approval", 3, 1, 1, "", Hold("allowed", "Ready", ""))],
        "agents_count": 1,
        "days": "14",
    }


def gallery_page() -> dict:
    """Every component once, for gallery/gallery.html."""
    return {"nav": nav(), "samples": samples()}
