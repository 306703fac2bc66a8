"""What a link opens, and who sees a workspace's links. A link is the only authority here: no cookie or session is read.

INVARIANT: a link opens one trace, for the person it was asked by and for, while that person may see it, and never another.
Held by tests/embed/test_links.py.
"""

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from django.urls import reverse

from accounts.access import NotVisible
from accounts.clock import database_now
from accounts.ids import is_id
from accounts.models import Agent, User, Workspace
from accounts.sealing import keys_for
from traces.access import traces_visible_to
from traces.embed.models import FrameOrigin, ShownLink

SALT, PURPOSE = "remit show work v1", "show work link"
LONGEST = 400


class LinkGone(Exception):
    """The link opens nothing: forged, foreign, expired or revoked. `workspace` is known only where it was once ours."""

    def __init__(self, workspace: Workspace | None = None) -> None:
        self.workspace = workspace
        super().__init__("This link opens nothing.")


def token_of(link: ShownLink) -> str:
    """The signed text that opens it: which link, which trace, which person, until when."""
    return signer().sign_object(_named(link))


def url_of(link: ShownLink) -> str:
    """The whole address."""
    return f"{settings.REMIT_BASE_URL}{reverse('embed:show', args=[token_of(link)])}"


def signer() -> signing.Signer:
    """With a key made for links alone, so that it can be rotated alone; an older one still opens what it signed."""
    newest, *older = keys_for(PURPOSE, settings.REMIT_LINK_SECRETS)
    return signing.Signer(key=newest, fallback_keys=[*older], sep=".", salt=SALT)


def _named(link: ShownLink) -> list[object]:
    return [link.pk, link.trace_id, link.person_id, int(link.expires_at.timestamp())]


def link_for(token: str) -> ShownLink:
    """The living link that a token names, with its trace, person and workspace. Raises LinkGone."""
    link = _signed(token)
    workspace = link.trace.workspace
    if link.revoked_at is not None or database_now() >= link.expires_at:
        raise LinkGone(workspace)
    if not traces_visible_to(link.person, workspace).filter(pk=link.trace_id, on_behalf_of=link.person).exists():
        raise LinkGone(workspace)
    return link


def _signed(token: str) -> ShownLink:
    """Only what was signed here is looked up, so guessing costs no query. Every signed part must be the row's own."""
    try:
        named = signer().unsign_object(token) if len(token) <= LONGEST else None
    except (signing.BadSignature, ValueError) as error:
        raise LinkGone from error
    people = ("trace__workspace", "trace__agent", "trace__on_behalf_of", "person")
    link = ShownLink.objects.select_related(*people).filter(pk=named[0]).first() if named else None
    if link is None or _named(link) != named:
        raise LinkGone
    return link


def get_link_for_agent(agent: Agent, link_id: str, *, person: User | None) -> ShownLink:
    """A link to a trace of this agent; with a person's token (`person`) one for them. Raises NotVisible."""
    found = ShownLink.objects.select_related("trace__workspace", "person").filter(trace__agent=agent)
    found = found.filter(person=person) if person else found
    link = found.filter(pk=link_id).first() if is_id("lnk", link_id) else None
    if link is None:
        raise NotVisible("link")
    return link


def living_links(workspace: Workspace) -> QuerySet[ShownLink]:
    """Links of a workspace that still open something, newest first. Callers have asked who may see them."""
    living = ShownLink.objects.filter(trace__workspace=workspace, revoked_at=None, expires_at__gt=database_now())
    return living.select_related("trace", "person")


def frame_origins(workspace: Workspace) -> list[str]:
    """Origins that may frame this workspace's traces."""
    return list(FrameOrigin.objects.filter(workspace=workspace).values_list("origin", flat=True))
