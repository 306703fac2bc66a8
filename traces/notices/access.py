"""Who may see which channel and message. Absent and forbidden look alike."""

from django.db.models import QuerySet

from accounts.access import NotVisible, has_permission, require, workspaces_visible_to
from accounts.ids import is_id
from accounts.models import User, Workspace
from accounts.permissions import Permission
from traces.notices.models import Channel, Delivery


def channels_visible_to(user: User, workspace: Workspace) -> QuerySet[Channel]:
    """The workspace's own channels, for those who may see notices; people's own are nobody else's business."""
    found = Channel.objects.filter(workspace=workspace, person=None).exclude(state=Channel.State.REMOVED)
    return found if has_permission(user, Permission.NOTICE_VIEW, workspace) else found.none()


def deliveries_visible_to(user: User, workspace: Workspace) -> QuerySet[Delivery]:
    """Messages of the workspace's channels, also of removed ones, newest first."""
    found = Delivery.objects.filter(channel__workspace=workspace, channel__person=None).select_related("channel")
    return found if has_permission(user, Permission.NOTICE_VIEW, workspace) else found.none()


def own_deliveries(user: User, workspace: Workspace) -> QuerySet[Delivery]:
    """What a person was told for themself."""
    return Delivery.objects.filter(channel__workspace=workspace, channel__person=user).select_related("channel")


def get_channel_for(user: User, channel_id: str, *, lock: bool = False) -> Channel:
    """One channel in any workspace this person belongs to. Raises NotVisible, or Forbidden for a member without the right."""
    rows = Channel.objects.filter(person=None).exclude(state=Channel.State.REMOVED).select_related("workspace")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    channel = rows.filter(pk=channel_id).first() if is_id("chn", channel_id) else None
    if channel is None or not _belongs(user, channel.workspace):
        raise NotVisible("channel")
    require(user, Permission.NOTICE_VIEW, channel.workspace)
    return channel


def get_delivery_for(user: User, delivery_id: str, *, lock: bool = False) -> Delivery:
    """One message of a workspace's channel. Raises NotVisible, or Forbidden for a member without the right."""
    rows = Delivery.objects.filter(channel__person=None).select_related("channel__workspace")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    delivery = rows.filter(pk=delivery_id).first() if is_id("msg", delivery_id) else None
    if delivery is None or not _belongs(user, delivery.channel.workspace):
        raise NotVisible("message")
    require(user, Permission.NOTICE_VIEW, delivery.channel.workspace)
    return delivery


def _belongs(user: User, workspace: Workspace) -> bool:
    return workspaces_visible_to(user).filter(pk=workspace.pk).exists()
