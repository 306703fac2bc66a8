"""How an edit of a draft is saved: only over the value its writer saw, else it is put to them (409)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages

from accounts.access import require
from accounts.http import AuthenticatedRequest
from accounts.kept import keep
from accounts.permissions import Permission
from policies.access import get_policy_for, open_draft_of
from policies.documents import still_read
from policies.drafts import save_draft
from policies.edits import EditRefused, Plain, fingerprint
from policies.engine.problems import PolicyError
from policies.forms.seen import SeenForm
from policies.models import Policy, PolicyDraft
from policies.refusals import DraftChanged, DraftClosed, PolicyRefused
from policies.replay import start_replay

TRIES = 4
NO_DRAFT = "There is no draft: it was published or discarded meanwhile. Nothing was saved."
NO_DRAFT_THEN = "There was no draft when you sent it"
UNREAD = "This draft does not load any more. Mend its text under Document, or discard it. Nothing was saved."
Seen = Callable[[Mapping[str, Any]], Any]
Change = Callable[[Plain, Mapping[str, Any]], Plain]
# A document's last path part -> the input that asks for it, where their names differ.
INPUTS = {"require": "expression", "forbid": "expression", "from": "starts"}


@dataclass(frozen=True, slots=True)
class Conflict:
    """What stands at the edited place now, and a sentence with who put it there. Nothing was saved.

    `kept` says that what was sent waits on the page of unsent forms.
    """

    theirs: Any
    sentence: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a sent form: saved, or the status to show it again with."""

    saved: bool
    status: int
    conflict: Conflict | None = None


def policy_to_edit(request: AuthenticatedRequest, slug: str) -> Policy:
    """The policy, for those who may edit it. Raises NotVisible or Forbidden."""
    policy = get_policy_for(request.user, request.workspace, slug)
    require(request.user, Permission.POLICY_EDIT, request.workspace)
    return policy


def send(
    request: AuthenticatedRequest, policy: Policy, form: SeenForm, *, change: Change, seen: Seen | None = None
) -> Sent:
    """Save what a form says. `seen` gives the value the form is about: when it is another one by now, that is a conflict.

    Where something else of the draft changed meanwhile, the edit is made on top of it, so that nobody's work is lost.
    """
    if not form.is_valid():
        return Sent(False, 422)
    for _ in range(TRIES):
        draft = open_draft_of(policy)
        if draft is None:
            return Sent(False, 409, no_draft(request, form))
        document = still_read(draft)
        if document is None:
            return Sent(False, 409, Conflict(None, UNREAD))
        plain = dict(document.plain)
        if seen is not None and fingerprint(seen(plain)) != form.cleaned_data["was"]:
            form.look_again(revision=draft.revision, was=fingerprint(seen(plain)))
            return Sent(False, 409, Conflict(seen(plain), _sentence(draft)))
        try:
            _save(request, draft, change(plain, form.cleaned_data))
        except (DraftChanged, DraftClosed):
            continue  # Somebody saved in this very moment: look again at what stands there now.
        except (EditRefused, PolicyRefused) as error:
            form.refuse(error.field, str(error))
            return Sent(False, 422)
        except PolicyError as error:
            _refuse(form, error)
            return Sent(False, 422)
        return Sent(True, 200)
    form.refuse("", "Several people save this draft at once. Send it again.")
    return Sent(False, 409)


def no_draft(request: AuthenticatedRequest, form: SeenForm) -> Conflict:
    """The draft went meanwhile. What was typed is kept, to be sent again by the person once there is another."""
    return Conflict(None, NO_DRAFT, kept=form.is_typed and keep(request, NO_DRAFT_THEN))


def _save(request: AuthenticatedRequest, draft: PolicyDraft, plain: Plain) -> None:
    was = draft.state
    saved = save_draft(actor=request.actor, user=request.user, draft_id=draft.pk, revision=draft.revision, plain=plain)
    # The page says "Replaying" after an edit: past actions are decided again under what the draft says now.
    start_replay(actor=request.actor, user=request.user, policy=saved.policy, source=saved.source)
    if was != PolicyDraft.State.OPEN and saved.state == PolicyDraft.State.OPEN:
        messages.success(request, "Saved. The draft is another one now, so publishing it has to be asked for again.")


def _sentence(draft: PolicyDraft) -> str:
    who = f"{draft.updated_by.name} changed this at {draft.updated_at:%H:%M} UTC"
    return f"{who}, after your page was drawn. Nothing of yours was saved."


def _refuse(form: SeenForm, error: PolicyError) -> None:
    for problem in error.problems:
        name = _input_of(problem.path)
        form.refuse(name, problem.message if name in form.fields else f"{problem.path}: {problem.message}")


def _input_of(path: str) -> str:
    """The input that asks for what stands at a path of the document."""
    if ".scopes." in path:
        return "cel"
    last = path.rsplit(".", 1)[-1]
    return INPUTS.get(last, last)


def refusal(sent: Sent, form: SeenForm) -> str:
    """Why a form without a page of its own was not saved, as one message."""
    if sent.conflict is not None:
        return sent.conflict.sentence
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
