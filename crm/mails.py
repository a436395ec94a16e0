"""Mail to people: what it says and how it reaches the mail server."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Hashable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import digests, notice_words
from crm.models import Delivery, User
from crm.models.notices import NoticeKind
from crm.queries import sla_report
from crm.sending import Unreachable, Unsendable

logger = logging.getLogger(__name__)


class MailCarrier:
    """Sends one batch over one connection to the mail server, opened anew after a failure."""

    def __init__(self) -> None:
        self._server: BaseEmailBackend | None = None

    def target_of(self, delivery: Delivery) -> Hashable:
        return "the mail server"

    def carry(self, delivery: Delivery) -> None:
        server = self._server or self._open()
        try:
            send(delivery, server=server)
        except Exception:
            self.close()
            raise

    def note_taken(self, delivery: Delivery) -> None:
        """The delivery's own row says it all."""

    def note_refused(self, delivery: Delivery, *, error: Exception, at: dt.datetime) -> None:
        """The delivery's own row says it all."""

    def _open(self) -> BaseEmailBackend:
        server: BaseEmailBackend = get_connection()
        try:
            server.open()
        except Exception as error:
            raise Unreachable from error
        self._server = server
        return server

    def close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.close()
        except OSError:
            # It went away by itself; what mattered was answered before.
            logger.info("The mail server closed the connection.", exc_info=True)


def send(delivery: Delivery, *, server: BaseEmailBackend) -> None:
    """Send one delivery as a mail in the recipient's language and time zone, with a text and an HTML part."""
    recipient = delivery.recipient
    if recipient is None:
        raise Unsendable(_("Nobody is named to whom this mail could go."))
    with translation.override(recipient.language), timezone.override(recipient.time_zone):
        if not recipient.is_active:
            raise Unsendable(_("%(name)s no longer works with Baton.") % {"name": recipient})
        message = _compose(delivery, to=recipient, server=server)
    if not message.send():
        raise RuntimeError("The mail server took no mail and gave no reason.")


def _compose(delivery: Delivery, *, to: User, server: BaseEmailBackend) -> EmailMultiAlternatives:
    """The mail of one notice, or of several as a digest. Raises `Unsendable` when nothing is left to say."""
    told = [notice_words.describe(notice) for notice in digests.notices_of(delivery)]
    if not told:
        raise Unsendable(_("Nothing of this digest is left to be told."))
    settings_link = settings.SITE_URL + reverse("my_settings")
    context: dict[str, object] = {
        "subject": told[0].subject if delivery.notice else _digest_subject(len(told)),
        "told": [{"words": words, "link": settings.SITE_URL + words.path} for words in told],
        "site": settings.SITE_URL,
        "settings_link": settings_link,
    }
    template = "mail/notice" if delivery.notice else "mail/digest"
    if delivery.notice and delivery.notice.kind == NoticeKind.REPORT:
        template = "mail/report"
        context["report"] = sla_report.of_notice(delivery.notice, now=timezone.now())
    message = EmailMultiAlternatives(
        # A name may hold anything; a header holds one line.
        subject=" ".join(str(context["subject"]).split()),
        body=render_to_string(f"{template}.txt", context),
        to=[to.email],
        headers={
            "Message-ID": delivery.message_id,
            "Auto-Submitted": "auto-generated",
            "List-Id": f"Baton <notices.{urlsplit(settings.SITE_URL).hostname}>",
            # A page behind the login where one chooses; asking for it changes nothing.
            "List-Unsubscribe": f"<{settings_link}>",
        },
        connection=server,
    )
    message.attach_alternative(render_to_string(f"{template}.html", context), "text/html")
    return message


def _digest_subject(count: int) -> str:
    return ngettext("%(n)d notice at once", "%(n)d notices at once", count) % {"n": count}
