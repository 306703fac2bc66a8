"""How each kind of channel says a message. Every HTTP kind only makes a `Post`; one function sends them all."""

from collections.abc import Callable

from traces.notices.message import Message, Post, Target
from traces.notices.models import Channel
from traces.notices.transports import pagerduty, slack, teams, webhook

Kind = Channel.Kind
POSTS: dict[str, Callable[[Message, Target], Post]] = {
    Kind.SLACK: slack.post,
    Kind.TEAMS: teams.post,
    Kind.PAGERDUTY: pagerduty.post,
    Kind.WEBHOOK: webhook.post,
}
# Hosts that a kind reaches without being on the workspace's list. A webhook reaches only what is listed.
HOSTS: dict[str, tuple[str, ...]] = {
    Kind.SLACK: slack.HOSTS,
    Kind.TEAMS: teams.HOSTS,
    Kind.PAGERDUTY: pagerduty.HOSTS,
    Kind.WEBHOOK: (),
}
