"""A world with something on every page, and an address of each page there is: what links lead to, and what only a state shows."""

import copy
import json
import time
from base64 import b32decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from policies.engine.document import load
from policies.engine.yaml_out import dump
from remit_client import Remit
from tests.access.test_matrix import ROWS
from tests.browser import walk
from tests.browser.conftest import ROOT, managed
from tests.browser.test_consent import address, registered
from tests.browser.test_keys import live
from tests.browser.test_policy_conflict import SLUG, plain
from tests.browser.test_story import sees

# Addresses that answer a file, a probe, another address or a part of a page, never a page to look at.
NO_PAGES = {
    "actions:export", "console:audit_export", "console:healthz", "console:metrics", "console:readyz", "incident:export",
    "policies:impact", "traces:changes_csv", "traces:export", "traces:outline", "traces:raw",
}  # fmt: skip
# tests/access/test_matrix.py holds that no other route answers GET.
PAGES = {name for name, row in ROWS.items() if row[0] == "get"} - NO_PAGES | {"actions:edit"}
MAYA, NOBODY = "maya@northwind.example", ""
REFUND = {"order_id": "48377", "charge_id": "ch_3PqRb1", "amount": 11000, "currency": "USD", "reason": "duplicate"}
LETTER = {"to": "ap@birch.example", "subject": "A letter", "body": "We looked into it."}
UPDATE = {"account_id": "acct_5521"}
# Of the kinds that the sample policy has none of.
RULES = {
    "freezes": [{"id": "x", "name": "Year end", "when": {"tools": ["desk.order.get"]}, "from": "2026-12-31T00:00Z",
                 "until": "2027-01-02T00:00Z", "reason": "The books are closed."}],
    "breakers": [{"id": "x", "name": "Faults", "when": {"tools": ["desk.order.get"]}, "on": "failures", "per": "agent",
                  "max": 5, "window": "1h"}],
    "demotions": [{"id": "x", "name": "Many rollbacks", "role": "reader", "to": "read-only", "on": "rollbacks", "above": 5,
                   "at_least": 20, "window": "30d"}],
}  # fmt: skip
TABS = ("changes", "checks", "calls", "approvals", "events")
SHOP = ROOT / "tests" / "upstreams" / "shop.yaml"


@dataclass(frozen=True, slots=True)
class Stop:
    """Who opens which address, and what they press there; a form is sent as it stands, whatever the browser thinks of it."""

    first: str
    path: str
    press: str = ""


class World:
    """Makes the states through the product's own doors: pages, the agents' client and the operator's shell."""

    def __init__(self, remit: dict, person: Callable, tmp_path: Path) -> None:
        self.remit, self.person, self.tmp_path = remit, person, tmp_path
        self.agent = Remit(remit["url"], token=remit["agent_token"])
        self.people: dict = {}
        self.ken, self.dana = self.who("ken"), self.who("dana")

    def who(self, first: str):
        """One browser a person: what they began stands in their session."""
        if first not in self.people:
            self.people[first] = self.person(first)
        return self.people[first]

    def open(self, stop: Stop, viewport: dict):
        """The page of a stop in a window of this size, in its person's browser."""
        who = self.who(stop.first)
        who.page.set_viewport_size(viewport)
        page = who.open(stop.path)
        if stop.press:
            page.evaluate("document.querySelectorAll('form').forEach((each) => { each.noValidate = true; })")
            page.click(stop.press)
            page.wait_for_load_state()
        return page

    def complaints(self) -> list[str]:
        """What any browser's console or security policy said since the world was made."""
        return [f"{first}: {text}" for first, who in self.people.items() for text in who.complaints]

    def stops(self, trace: str) -> dict[str, Stop]:
        """View -> where it is looked at. `trace` is the address of the sample agent's trace, which waits for people."""
        found = {
            **self._shell(), **self._of_actions(), **self._after_glass(), **self._two_to_decide(), **self._kept(),
            "traces:detail": Stop("ken", trace), "embed:show": Stop(NOBODY, self._link(trace)),
            "accounts:sign_in": Stop(NOBODY, "/sign-in/"), "accounts:resume": Stop("ken", "/resume/"),
            "approvals:step_up": Stop("ken", "/me/step-up/"), "incident:page": Stop("ken", "/incident/?record=acct_5521"),
            "console:gallery": Stop("dana", "/gallery/"), "console:trust_agent": self._scorecard(),
            "consent": Stop("maya", address(self.remit, registered(self.remit), "http://127.0.0.1:9/callback")),
        }  # fmt: skip
        self._draft()
        for first, starts in (("ken", ("/policies/support/tiers/", trace)), ("dana", ())):
            walked = walk.every_page(self.who(first), *starts)
            found |= {name: Stop(first, path) for name, path in walked.items() if name not in found}
        return found

    def _draft(self) -> None:
        """Ken's draft of the sample policy with one tier that would change what past actions met."""
        page = self.ken.open("/policies/support/")
        page.click("button:has-text('Edit')")
        page.wait_for_url("**/tiers/**")
        self.ken.open("/policies/support/tiers/?cell=refunds/desk.account.update")
        page.select_option("select[name=mode]", "approval")
        page.select_option("select[name=route]", "account")
        page.click("text=Save tier")
        page.wait_for_selector("text=past actions would change")

    def _shell(self) -> dict[str, Stop]:
        """A policy whose draft was overtaken, a connection with a document's offers, a channel for notices."""
        self._publish(plain() | RULES)
        page = self.ken.open(f"/policies/{SLUG}/")
        page.click("button:has-text('Edit')")
        page.wait_for_url("**/tiers/**")
        self.ken.open(f"/policies/{SLUG}/tiers/?cell=reader/desk.account.get")
        page.select_option("#id_mode", "off")
        page.click("text=Save tier")
        page.wait_for_selector("#cell-reader-desk_account_get[data-level=off]")
        self._publish(plain(account="draft") | RULES)
        self._manage("remit_connection", "shop", "--workspace", "northwind", "--name", "Shop", "--kind", "http",
                     "--base-url", "http://127.0.0.1:9/", "--allow-private", "--options", '{"auth": {"kind": "static"}}',
                     REMIT_CONNECTION_SECRET="never shown anywhere")  # fmt: skip
        page = self.ken.open("/connections/shop/tools/")
        page.fill("#document", SHOP.read_text())
        page.click("button:has-text('Read')")
        sees(page, "Import what is ticked")
        page = self.dana.open("/notices/new/email/")
        page.fill("#id_name", "On call")
        page.fill("#id_to", "priya@northwind.example")
        page.locator("input[type=checkbox]").first.check()
        page.keyboard.press("Control+Enter")
        sees(page, "On call is saved.")
        channel = page.url.removeprefix(self.dana.base)
        return {
            "policies:rebase": Stop("ken", f"/policies/{SLUG}/draft/rebase/"),
            **{f"policies:{kind}_edit": Stop("ken", f"/policies/{SLUG}/{kind}/edit/x/") for kind in RULES},
            "actions:offers": Stop("ken", "/connections/shop/tools/"), "notices:detail": Stop("dana", channel),
        }  # fmt: skip

    def _publish(self, document: dict) -> None:
        file = self.tmp_path / "policy.yaml"
        file.write_text(dump(document))
        self._manage("remit_policy", "publish", str(file), "--workspace", "northwind")

    def states(self) -> dict[str, str]:
        """Addresses of traces in states that nobody here makes, by name."""
        telling = "import json; from tests.browser.states import seed; print(json.dumps(seed('northwind')))"
        said = self._manage("shell", "-v", "0", "-c", telling)
        return json.loads(said.splitlines()[-1])

    def _manage(self, *words: str, **more: str) -> str:
        return managed(self.remit, *words, **more)

    def _of_actions(self) -> dict[str, Stop]:
        """What ran can be undone, was sent, and stands as its record does now."""
        trace = self._opened()
        note = {"ticket_id": "90001", "fields": {"note": "Late."}}
        done = trace.call("desk.ticket.update", note).wait(timeout_s=60)
        return {
            "actions:rollback": Stop("priya", f"/traces/{trace.id}/roll-back/"),
            "actions:attest": Stop("priya", f"/actions/{done.id}/attest/"),
            "actions:drift": Stop("ken", f"/actions/{done.id}/drift/"),
        }

    def _after_glass(self) -> dict[str, Stop]:
        """A refund that ran in an emergency; its review is owed."""
        refund = self._opened().call("desk.refund.create", REFUND)
        address = self._approval_of(refund.id)
        page = self.who("sam").open(f"{address}break-glass/")
        page.fill("#id_reason", "The customer's shop is closed until this is paid back.")
        page.check("#id_promised")
        page.click("button:has-text('Run now without')")
        sees(page, "Run without Support lead and Finance by Sam Boye")
        return {"approvals:glass_review": Stop("sam", f"{address}break-glass/review/")}

    def _two_to_decide(self) -> dict[str, Stop]:
        """Two updates of an account that are decided on one page. The policy that asks for it is live while they are made."""
        whole = dict(load(live(self.remit)).plain)
        asking = copy.deepcopy(whole) | {"tests": []}
        asking["roles"]["refunds"]["tools"]["desk.account.update"] = {"mode": "approval", "route": "account"}
        self._publish(asking)
        trace = self._opened()
        asked = [{**UPDATE, "fields": {"owner_note": f"Asked {times}."}} for times in ("once", "twice")]
        calls = [trace.call("desk.account.update", update) for update in asked]
        self._publish(whole)
        ids = [self._approval_of(call.id).split("/")[2] for call in calls]
        return {"approvals:batch": Stop("ken", f"/approvals/batch/?id={ids[0]}&id={ids[1]}")}

    def _kept(self) -> dict[str, Stop]:
        """An approval that waits for its person to prove who they are, in another browser than the one they added an app in."""
        page = self.person("nia").open("/me/security/")
        page.click("button:has-text('Add an app')")
        secret = page.locator("p code").first.inner_text().replace(" ", "")
        app = TOTP(b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - what authenticator apps read
        page.fill("#id_code", app.generate(int(time.time())).decode())
        page.click("button:has-text('Add this app')")
        sees(page, "Keep these 10 recovery codes")
        self._floor("totp")
        letter = self._opened().call("desk.mail.send", LETTER)
        address = self._approval_of(letter.id)
        page = self.who("nia").open(address)
        page.click("button[value=approve]")
        page.click("button[data-armed]:enabled")
        page.wait_for_url("**/confirm/")
        self._floor("none")
        return {"approvals:confirm": Stop("nia", f"{address}confirm/")}

    def _floor(self, level: str) -> None:
        """What every approval of the sample workspace asks its approver to prove."""
        with psycopg.connect(self.remit["database"], autocommit=True) as database:
            database.execute("UPDATE approvals_approvalsettings SET step_up_floor = %s", [level])

    def _opened(self):
        return self.agent.open_trace(intent="Do what was asked twice.", on_behalf_of=MAYA)

    def _approval_of(self, action_id: str) -> str:
        with psycopg.connect(self.remit["database"]) as database:
            query = "SELECT id FROM approvals_approvalrequest WHERE action_id = %s"
            return f"/approvals/{database.execute(query, [action_id]).fetchone()[0]}/"

    def _link(self, trace: str) -> str:
        answer = httpx.post(
            f"{self.remit['url']}/api/v1{trace.rstrip('/')}/links", json={"on_behalf_of": MAYA}, trust_env=False,
            headers={"Authorization": f"Bearer {self.remit['agent_token']}"},
        )  # fmt: skip
        return answer.raise_for_status().json()["url"].removeprefix(self.remit["url"])

    def _scorecard(self) -> Stop:
        agent = self.ken.open("/agents/").get_attribute("td a.name", "href")
        return Stop("ken", agent.replace("/agents/", "/trust/agents/"))
