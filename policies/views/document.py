"""The whole document as YAML: read it, and replace the draft by pasting one (policy as code)."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedRequest, sign_in_required
from policies.access import open_draft_of
from policies.admission import admitted
from policies.documents import still_read
from policies.drafts import save_draft
from policies.edits import fingerprint
from policies.engine.document import Document
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.forms.publish import DocumentForm
from policies.forms.seen import SeenForm
from policies.models import Policy, PolicyDraft
from policies.pages.frame import frame_of
from policies.pages.place import Place, place_of
from policies.refusals import PolicyRefused
from policies.views.saving import Sent, policy_to_edit, send


@sign_in_required
@require_http_methods(["GET", "POST"])
def document(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Every part as text, in one stable order; a sent text replaces the draft whole."""
    place, sent = place_of(request.user, request.workspace, slug), Sent(False, 200)
    form = _form(request, place)
    if request.method == "POST":
        policy = policy_to_edit(request, slug)
        sent = _sent(request, policy, form)
    if sent.saved:
        return redirect("policies:publish", slug)
    context = {
        "place": place, "frame": frame_of(place, ""), "form": form, "conflict": sent.conflict,
        "text": _text(place),
    }  # fmt: skip
    return render(request, "policies/document.html", context, status=sent.status)


def _text(place: Place) -> str:
    """The document in its one order; a text that does not load any more as it is kept."""
    shown = place.draft or place.live
    if shown is None:
        return ""
    return dump(place.plain) if still_read(shown) else shown.source


def _form(request: AuthenticatedRequest, place: Place) -> DocumentForm:
    text = _text(place)
    initial = {"revision": place.revision, "was": fingerprint(place.plain), "source": text}
    return DocumentForm(request.POST if request.method == "POST" else None, initial=initial)


def _sent(request: AuthenticatedRequest, policy: Policy, form: SeenForm) -> Sent:
    """A text that does not load is refused with the place of each mistake in it."""
    if not form.is_valid():
        return Sent(False, 422)
    draft = open_draft_of(policy)
    text, before = form.cleaned_data["source"], draft.source if draft else ""
    try:
        loaded = admitted(actor=request.actor, policy=policy, source=text, before=before)
    except PolicyError as error:
        for problem in error.problems:
            form.refuse("source", str(problem))
        return Sent(False, 422)
    if draft is not None and still_read(draft) is None:
        return _mended(request, draft, form, loaded)
    return send(request, policy, form, seen=lambda plain: plain, change=lambda plain, data: dict(loaded.plain))


def _mended(request: AuthenticatedRequest, draft: PolicyDraft, form: SeenForm, loaded: Document) -> Sent:
    """A text that loads in place of one that does not any more; over the revision its writer saw, or not at all."""
    revision = form.cleaned_data["revision"] or 0
    try:
        save_draft(
            actor=request.actor, user=request.user, draft_id=draft.pk, revision=revision, plain=dict(loaded.plain)
        )
    except PolicyRefused as error:
        form.refuse("source", error.sentence)
        return Sent(False, 409)
    return Sent(True, 200)
