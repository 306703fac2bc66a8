"""Where people say what became of an action that nobody could find out about."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import NotVisible, require
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.ids import is_id
from accounts.permissions import Permission
from actions.access import get_action_for
from actions.attest import AttestationRefused, answer, attest, is_theirs
from actions.forms import AnswerForm, AttestForm
from actions.models import Action, Attestation
from actions.record import told
from actions.states import State
from traces.show import show


@sign_in_required
@require_http_methods(["GET", "POST"])
def attest_(request: AuthenticatedRequest, action_id: str) -> HttpResponse:
    """What was sent, what is known, what to look at; then what a person found."""
    action = _entered(request, action_id)
    form = AttestForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            attest(
                actor=actor_for_user(request.user, action.workspace), user=request.user, action=action,
                succeeded=given["succeeded"] == "yes", evidence=given["evidence"], link=given["link"],
            )  # fmt: skip
        except AttestationRefused as error:
            form.add_error(None, str(error))
            return _page(request, action, form, AnswerForm(), status=409)
        messages.success(request, "Recorded. It counts once another person confirms it.")
        return redirect("actions:attest", action.pk)
    return _page(request, action, form, AnswerForm(), status=200 if request.method == "GET" else 422)


@sign_in_required
@require_POST
def answer_(request: AuthenticatedRequest, action_id: str, attestation_id: str) -> HttpResponse:
    """A second person agrees, or saw something else."""
    action = _entered(request, action_id)
    form = AnswerForm(request.POST)
    agree = {"yes": True, "no": False}.get(request.POST.get("agree", ""))
    if not is_id("att", attestation_id) or not action.attestations.filter(pk=attestation_id).exists():
        raise NotVisible("attestation")
    if not form.is_valid() or agree is None:
        return _page(request, action, AttestForm(), form, status=422)
    try:
        answer(
            actor=actor_for_user(request.user, action.workspace), user=request.user, attestation_id=attestation_id,
            agree=agree, reason=form.cleaned_data["reason"],
        )  # fmt: skip
    except AttestationRefused as error:
        form.add_error(None, str(error))
        return _page(request, action, AttestForm(), form, status=409)
    messages.success(request, "Confirmed." if agree else "Recorded. The question is open again.")
    return redirect("traces:detail", action.trace_id) if agree else redirect("actions:attest", action.pk)


def _entered(request: AuthenticatedRequest, action_id: str) -> Action:
    """Raises NotVisible or Forbidden."""
    action = get_action_for(request.user, action_id)
    require(request.user, Permission.TRACE_ROLLBACK, action.workspace)
    request.show_workspace(action.workspace)
    return action


def _page(
    request: AuthenticatedRequest, action: Action, form: AttestForm, answer_form: AnswerForm, *, status: int
) -> HttpResponse:
    action.refresh_from_db(fields=["state", "detail"])
    story = show(action.trace, tab="")[0]
    call: dict[str, Any] = next((one for one in story.calls if one["step_n"] == action.step), _NOTHING_SENT)
    row = next(one for one in story.steps if one["action_id"] == action.pk)
    said = action.attestations.filter(state=Attestation.State.OPEN).select_related("by").first()
    context = {
        "action": action,
        "sentence": told(action, action.definition, action.arguments)["imperative"],
        "connection": action.tool.connection if action.tool else None,
        "key_header": _key_header(action),
        "call": call,
        "result_text": row["result"]["text"] or "Done",
        "open_question": action.state == State.NEEDS_HUMAN,
        "attestation": said,
        "mine": said is not None and is_theirs(request.user, said),
        "form": form,
        "answer_form": answer_form,
    }
    return render(request, "actions/attest.html", context, status=status)


_NOTHING_SENT: dict[str, Any] = {"status": "skipped", "tool": "", "sent": [], "received": [], "found_out": []}


def _key_header(action: Action) -> str:
    definition = action.definition
    return str((definition.operation.get("write") or {}).get("key_header", "")) if definition else ""
