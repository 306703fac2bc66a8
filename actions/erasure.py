"""What stands beside the ledger goes when its withheld values go (R-42): the columns that ran a call, showed it, decided it.

INVARIANT: a value that was dropped for a person, by age or with its month is in no row of an action that came to rest; one that
is under way keeps the bytes people decided on, and loses them when it rests. Held by tests/actions/test_erasure.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.models import Action, ActionFacet, AttemptCredential, Attestation, IdempotencyKey, Recheck, Rollback
from actions.record import known_secrets
from actions.redaction import Secrets, mask, mask_inside, mask_name, mask_path
from actions.states import FINAL, SUCCESS
from approvals.models import ApprovalRequest
from policies.models import DecisionRecord
from traces.canonical import canonical_text, strict_loads
from traces.facets import facet
from traces.ledger import Sensitive
from traces.redaction import Erased, Texts, erase_actions

BATCH = 100
GONE = "Values of it were erased, so it can't be done again or undone."
_NOTHING_TO_CALL = {"how": "none", "why": GONE}
_RECORDS = ("changes", "edits")
# What a record is known by, in `before` and `result`, with the field of the record that says so.
_NAMES = {"record_id": "id", "remote_id": "id", "link": "", "path": ""}


def forget(workspace_id: str, texts: Texts) -> Erased:
    """Take these actions' sensitive values out of every row about them. `texts` is action -> value -> kind, as withheld.

    Runs inside the transaction that drops the withheld values, before their traces are locked, as an action's move does.
    """
    found = Action.objects.select_for_update(of=("self",)).filter(workspace_id=workspace_id, pk__in=texts)
    rows = list(found.select_related("tool__connection").order_by("pk"))
    resting = [action for action in rows if _rests(action)]
    for action in resting:
        _forget(action, texts[action.pk])
    _forget_answers(resting)
    waiting = [action.pk for action in rows if action not in resting]
    Action.objects.filter(pk__in=waiting, erase_asked_at=None).update(erase_asked_at=database_now())
    return Erased(len(resting), len(waiting))


def forget_rested() -> int:
    """Erase what was under way when its values were asked for and has come to rest since. Returns how many actions."""
    asked = Action.objects.filter(erase_asked_at__isnull=False, erased_at=None, state__in=FINAL).order_by("pk")
    resting = [action for action in asked[:BATCH] if _rests(action)]
    for action in resting:
        erase_actions(
            actor=system_actor("erasure", action.workspace_id), workspace_id=action.workspace_id,
            actions={(action.trace_id, action.pk)}, reason="It was under way when its values were erased.",
        )  # fmt: skip
    return len(resting)


def _rests(action: Action) -> bool:
    """Whether nothing can still need its bytes: it ended, and no rollback of it is under way."""
    undone_by = Rollback.objects.filter(state=Rollback.State.RUNNING, todo__contains=[{"action": action.pk}])
    open_undo: QuerySet[Action] = action.rollbacks.exclude(state__in=FINAL)
    return action.state in FINAL and not open_undo.exists() and not undone_by.exists()


def _forget(action: Action, texts: Mapping[str, str]) -> None:
    known = _known(action, texts)
    columns: dict[str, Any] = {name: _without(getattr(action, name), known) for name in _RECORDS}
    columns |= {
        "proposed_text": canonical_text(_without(action.proposed, known)),
        "arguments_text": canonical_text(_without(action.arguments, known)),
        "before": _unnamed(action.before, known),
        "result": _unnamed(action.result, known),
        "inverse": _NOTHING_TO_CALL if action.state in SUCCESS else None,
        "title": mask_inside(action.title, known)[:300],
        "detail": mask_inside(action.detail, known)[:500],
        "erased_at": database_now(),
    }
    Action.objects.filter(pk=action.pk).update(**columns)
    _forget_names(action, known)
    for request in ApprovalRequest.objects.filter(action_id=action.pk):
        shown, title = _without(request.displayed, known), mask_inside(request.title, known)[:300]
        ApprovalRequest.objects.filter(pk=request.pk).update(displayed=shown, title=title)
    _forget_words(action, known)
    for record in DecisionRecord.objects.filter(action_id=action.pk):
        asked = _without(strict_loads(record.request_text), known)
        DecisionRecord.objects.filter(pk=record.pk).update(request_text=canonical_text(asked))


def _forget_words(action: Action, known: Secrets) -> None:
    """What people wrote of it."""
    for said in Attestation.objects.filter(action=action):
        words = {name: mask_inside(getattr(said, name), known) for name in ("evidence", "second_reason")}
        Attestation.objects.filter(pk=said.pk).update(**words, link=mask_path(said.link, known)[:500])
    for seen in Recheck.objects.filter(action=action).exclude(reason=""):
        Recheck.objects.filter(pk=seen.pk).update(reason=mask_inside(seen.reason, known))


def _forget_names(action: Action, known: Secrets) -> None:
    """What the record was found by, and what credentials were bound to."""
    rows = (action.before or {}, action.result or {})
    names = [str(row[name]) for row in rows for name in ("record_id", "remote_id") if row.get(name)]
    gone = [facet("record", name) for name in names if isinstance(mask_name(name, known, "id"), Sensitive)]
    ActionFacet.objects.filter(action=action, facet__in=gone).delete()
    for credential in AttemptCredential.objects.filter(action=action).exclude(record=""):
        credential.record = mask_path(credential.record, known)[:300]
        credential.save(update_fields=["record"])


def _forget_answers(actions: Sequence[Action]) -> None:
    """What agents were answered about them and is kept for their keys; asked again, the key tells how they stand now."""
    about = {pk for action in actions for pk in (action.pk, action.plan_id, action.trace_id) if pk}
    IdempotencyKey.objects.filter(resource__in=about, answer__isnull=False).update(answer=None)


def _known(action: Action, texts: Mapping[str, str]) -> Secrets:
    """By field as the tool and the policy call it sensitive now, and by value as it was withheld then."""
    records = ((action.before or {}).get("fields", {}), (action.result or {}).get("record") or {})
    known = known_secrets(action.definition, action.proposed, action.arguments, *records)
    return Secrets(known.kinds, {**known.texts, **texts}, known.numbers)


def _without(value: Any, known: Secrets) -> Any:
    return _blank(mask(value, known))


def _unnamed(row: Mapping[str, Any] | None, known: Secrets) -> Any:
    """The same of what tells of a record, with the names it has there."""
    if row is None:
        return None
    names = {name: mask_name(row[name], known, at) for name, at in _NAMES.items() if isinstance(row.get(name), str)}
    return {**_without(row, known), **_blank(names)}


def _blank(value: Any) -> Any:
    """Each sensitive leaf as a leaf of its type that says nothing: who reads it again must not stumble."""
    if isinstance(value, Sensitive):
        number = isinstance(value.value, int | float)
        return type(value.value)(0) if number else f"[{value.kind}, erased]"
    if isinstance(value, Mapping):
        return {name: _blank(item) for name, item in value.items()}
    return [_blank(item) for item in value] if isinstance(value, list | tuple) else value
