"""People at the pages of a policy, without a browser: forms are sent as the page drew them, with some inputs changed."""

import re
from collections import Counter
from html import unescape
from typing import Any

from django.test import Client

from policies.documents import parsed
from policies.models import PolicyDraft

BACKEND = "django.contrib.auth.backends.ModelBackend"
OPEN = ["open", "proposed", "scheduled"]


class Page:
    """A signed-in person. Addresses are those under the policy `support`."""

    def __init__(self, house, first: str) -> None:
        self.house, self.client = house, Client()
        self.client.force_login(house.users[first], backend=BACKEND)

    def get(self, path: str, status: int = 200, **headers: str) -> str:
        answer = self.client.get(f"/policies/support/{path}", headers=headers)
        assert answer.status_code == status, (path, answer.status_code)
        text = unescape(answer.content.decode())
        repeated = [name for name, count in Counter(re.findall(r' id="([^"]+)"', text)).items() if count > 1]
        assert not repeated, (path, repeated)
        return text

    def post(self, path: str, status: int = 302, /, **inputs: Any) -> str:
        answer = self.client.post(f"/policies/support/{path}", inputs)
        text = unescape(answer.content.decode())
        assert answer.status_code == status, (path, answer.status_code, errors(text))
        return text

    def open(self) -> "Page":
        self.post("draft/open/")
        return self

    def send(self, page: str, action: str, status: int = 302, /, **inputs: Any) -> str:
        """Fill the form of a page whose action ends so, and send it."""
        return self.post(action, status, **{**form_of(self.get(page), action), **inputs})

    def save(self, page: str, status: int = 302, /, **inputs: Any) -> str:
        """The same for the form a page sends to itself."""
        return self.post(page, status, **{**form_of(self.get(page), ""), **inputs})

    def draft(self) -> PolicyDraft:
        return PolicyDraft.objects.get(policy__workspace=self.house.workspace, policy__slug="support", state__in=OPEN)

    def plain(self):
        draft = self.draft()
        return parsed(draft.digest, draft.source).plain


def form_of(html: str, action: str) -> dict[str, Any]:
    """The inputs of the first form sent to `action`, as a browser would send them; `""` is the page's own address."""
    forms = re.findall(r"<form([^>]*)>(.*?)</form>", html, re.S)
    found = [inner for head, inner in forms if 'method="post"' in head and _goes(head, action)]
    assert found, f"No form goes to {action}."
    inputs: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", found[0]):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        ticked = 'type="checkbox"' not in tag and 'type="radio"' not in tag
        if name and name[1] != "csrfmiddlewaretoken" and (ticked or " checked" in tag):
            inputs.setdefault(name[1], []).append(value[1] if value else "" if ticked else "on")
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', found[0], re.S):
        inputs[name] = text
    for name, inner in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', found[0], re.S):
        chosen = re.search(r'value="([^"]*)"[^>]*selected', inner) or re.search(r'value="([^"]*)"', inner)
        inputs[name] = chosen[1] if chosen else ""
    return inputs


def _goes(head: str, action: str) -> bool:
    target = re.search(r' action="([^"?]*)', head)
    return bool(target and action and target[1].endswith(f"/{action}")) or (target is None and not action)


def errors(html: str) -> list[str]:
    """What a page says against a form."""
    return re.findall(r'(?:class="error[^>]*>|<p id="[\w-]+-error">|data-tone="(?:bad|warn)"[^>]*>)(.*?)</', html, re.S)
