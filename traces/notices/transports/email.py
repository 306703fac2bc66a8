"""Mail through the server this installation names. Text only: nothing is fetched by reading it (R-25)."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from traces.notices.message import Item, Message, NotDelivered, Target, Undeliverable


def send(message: Message, target: Target) -> None:
    """One mail to all recipients, under the same Message-ID at every attempt. Raises NotDelivered."""
    if not settings.REMIT_MAIL:
        raise Undeliverable("No mail server is named. Set REMIT_MAIL_URL.")
    mail = EmailMessage(
        subject=f"[{message.workspace}] {message.title}",
        body=_body(message),
        to=list(target.to),
        headers={"Message-ID": _message_id(message.id), "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"The mail server answered {error.smtp_code}.") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered(f"The mail server was not reached: {type(error).__name__}.") from error


def _message_id(message_id: str) -> str:
    return f"<{message_id}@{settings.REMIT_MAIL_DOMAIN}>"


def _body(message: Message) -> str:
    parts = [_item(item) for item in message.items]
    foot = f"-- \nRemit, {message.workspace}. What you are told of: {message.settings_url}\n"
    return "\n\n".join([*parts, foot])


def _item(item: Item) -> str:
    lines = [item.title, *(f"{name}: {value}" for name, value in item.facts), f"Open in Remit: {item.url}"]
    return "\n".join(lines)
