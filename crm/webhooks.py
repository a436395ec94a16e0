"""Telling programs and chat rooms: what is posted to a webhook, signed how, and what becomes of one that fails.

docs/webhooks.md describes it for those who receive.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm import digests, notice_words, notices, outgoing
from crm.models import Delivery, Notice, Role, Webhook
from crm.models.notices import DeliveryState, NoticeKind
from crm.models.webhooks import SECRET_PREFIX, WebhookForm
from crm.sending import NotTaken, Unreachable, Unsendable, words_of

OFF_AFTER_FAILURES = 10
OFF_AFTER = dt.timedelta(hours=12)
"""A webhook that failed so many times in a row and for so long is switched off."""
GONE = 410
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~])")
EVERYBODY = re.compile(r"@(?=(all|channel|here)\b)", re.IGNORECASE)


class Gone(Unsendable):
    """The receiver said that it wants no more of this, for ever."""


@dataclass(frozen=True)
class Told:
    """One notice as a webhook is told of it."""

    kind: str
    subject: str
    summary: str
    text: str
    url: str
    recipients: tuple[str, ...]
    """Names of those who are told."""
    addresses: tuple[str, ...]
    created_at: dt.datetime
    contact_id: int | None = None
    handoff_id: int | None = None
    timer_id: int | None = None
    params: dict[str, Any] | None = None

    @property
    def says(self) -> str:
        """What stands below the subject."""
        whom = _("For %(names)s.") % {"names": ", ".join(self.recipients)} if self.recipients else ""
        return " ".join(part for part in (self.summary, self.text, whom) if part)


class WebhookCarrier:
    """Posts deliveries to their webhooks and keeps the books on these."""

    def target_of(self, delivery: Delivery) -> Hashable:
        return delivery.webhook_id

    def carry(self, delivery: Delivery) -> None:
        webhook = delivery.webhook
        if webhook is None:
            raise Unsendable(_("No webhook is named to which this could go."))
        # It may have been switched off since the batch was read.
        if not Webhook.objects.filter(id=webhook.pk, is_active=True).exists():
            raise Unsendable(_("The webhook is switched off."))
        with _speaking():
            told = [told_of(notice) for notice in digests.notices_of(delivery)]
        if not told:
            raise Unsendable(_("Nothing of this digest is left to be told."))
        post(webhook, told, message_id=delivery.message_id, at=timezone.now())

    def note_taken(self, delivery: Delivery) -> None:
        Webhook.objects.filter(id=delivery.webhook_id or 0, failures__gt=0).update(failures=0, failing_since=None)

    def note_refused(self, delivery: Delivery, *, error: Exception, at: dt.datetime) -> None:
        if isinstance(error, Gone):
            switch_off(webhook_id=delivery.webhook_id or 0, reason=str(error), at=at)
        else:
            _count_failure(webhook_id=delivery.webhook_id or 0, reason=words_of(error), at=at)

    def close(self) -> None:
        """Every request has its own connection."""


def post(webhook: Webhook, told: Sequence[Told], *, message_id: str, at: dt.datetime) -> None:
    """Post notices to a webhook in its form.

    Raises `Unreachable` when nobody answers, `Gone` when the receiver says so, `Unsendable` when the address may not
    be called, `NotTaken` for every other answer that is not a success.
    """
    key = message_id.strip("<>")
    with _speaking():
        body = json.dumps(FORMS[WebhookForm(webhook.form)](told, key), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    if webhook.form == WebhookForm.GENERIC:
        headers |= signature_headers(secret=webhook.secret, key=key, body=body, at=at)
    try:
        answer = outgoing.post(webhook.url, body=body, headers=headers)
    except outgoing.Refused as error:
        raise Unsendable(str(error)) from error
    except (OSError, urllib3.exceptions.HTTPError) as error:
        raise Unreachable from error
    if answer.status == GONE:
        raise Gone(_("It answered 410: it is gone for good.") + _quoted(answer.excerpt))
    if 300 <= answer.status < 400:
        raise NotTaken(_("It answered with a redirect, which is not followed: enter the final address."))
    if not answer.is_taken:
        raise NotTaken(_("It answered %(status)d.") % {"status": answer.status} + _quoted(answer.excerpt))


def _quoted(excerpt: str) -> str:
    return f" “{excerpt}”" if excerpt else ""


def signature_headers(*, secret: str, key: str, body: bytes, at: dt.datetime) -> dict[str, str]:
    """The headers by which a receiver knows that it was us, after the convention of Standard Webhooks.

    Signed is `id.timestamp.body` with HMAC-SHA256 and the decoded secret.
    """
    seconds = str(int(at.timestamp()))
    signed = b".".join((key.encode(), seconds.encode(), body))
    digest = hmac.new(base64.b64decode(secret.removeprefix(SECRET_PREFIX)), signed, hashlib.sha256).digest()
    return {
        "webhook-id": key,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


# What is said ---------------------------------------------------------------------------------------------------------


@contextmanager
def _speaking() -> Iterator[None]:
    """A webhook is nobody's: the language and time zone of the installation."""
    with translation.override(settings.LANGUAGE_CODE), timezone.override(settings.TIME_ZONE):
        yield


def told_of(notice: Notice) -> Told:
    """A notice in words, with everybody who is told of the same happening."""
    words = notice_words.describe(notice)
    same = Notice.objects.filter(
        kind=notice.kind,
        contact=notice.contact_id,
        handoff=notice.handoff_id,
        timer=notice.timer_id,
        step=notice.step,
        created_at=notice.created_at,
    )
    people = [one.recipient for one in same.select_related("recipient").order_by("id")]
    return Told(
        kind=notice.kind,
        subject=words.subject,
        summary=words.summary,
        text=words.text,
        url=settings.SITE_URL + words.path,
        recipients=tuple(str(person) for person in people),
        addresses=tuple(person.email for person in people),
        created_at=notice.created_at,
        contact_id=notice.contact_id,
        handoff_id=notice.handoff_id,
        timer_id=notice.timer_id,
        params=notice.params,
    )


def sample(*, at: dt.datetime) -> Told:
    """What the button "send a test" tells, in the language that is active."""
    return Told(
        kind="test",
        subject=_("A test from Baton"),
        summary=_("If you can read this, notices arrive here."),
        text="",
        url=f"{settings.SITE_URL}/settings/webhooks/",
        recipients=(),
        addresses=(),
        created_at=at,
    )


def _generic(told: Sequence[Told], key: str) -> dict[str, Any]:
    if len(told) == 1:
        (one,) = told
        return {"id": key, "type": f"notice.{one.kind}", "timestamp": _iso(one.created_at), "data": _data(one)}
    return {
        "id": key,
        "type": "notice.digest",
        "timestamp": _iso(max(one.created_at for one in told)),
        "data": {"notices": [{"type": f"notice.{one.kind}", **_data(one)} for one in told]},
    }


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _data(one: Told) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "summary": one.summary,
        "text": one.text,
        "url": one.url,
        "recipients": list(one.addresses),
        "contact": one.contact_id,
        "handoff": one.handoff_id,
        "timer": one.timer_id,
        "created_at": _iso(one.created_at),
        **(one.params or {}),
    }


def _slack(told: Sequence[Told], key: str) -> dict[str, Any]:
    def entry(one: Told) -> str:
        lines = [f"*<{one.url}|{_slack_text(one.subject)}>*", _slack_text(one.says)]
        return "\n".join(line for line in lines if line)

    return {"text": "\n\n".join(map(entry, told)), "unfurl_links": False, "unfurl_media": False}


def _slack_text(text: str) -> str:
    """Plain text in Slack's own markup: these three signs alone begin links and calls to everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mattermost(told: Sequence[Told], key: str) -> dict[str, Any]:
    def entry(one: Told) -> str:
        lines = [f"**[{_markdown(one.subject)}]({one.url})**", _markdown(one.says)]
        return "\n".join(line for line in lines if line)

    return {"text": "\n\n".join(map(entry, told)), "username": "Baton"}


def _markdown(text: str) -> str:
    """Plain text in Markdown; a name that reads @all calls nobody."""
    return EVERYBODY.sub("@\u200b", MARKDOWN.sub(r"\\\1", text))


def _teams(told: Sequence[Told], key: str) -> dict[str, Any]:
    """An adaptive card in the envelope that the Workflows of Teams take; rich text there knows no markup."""
    body: list[dict[str, Any]] = []
    for one in told:
        link = {"type": "Action.OpenUrl", "url": one.url}
        subject = {"type": "TextRun", "text": one.subject, "weight": "Bolder", "selectAction": link}
        body.append({"type": "RichTextBlock", "separator": bool(body), "inlines": [subject]})
        if one.says:
            body.append({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": one.says}]})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if len(told) == 1:
        card["actions"] = [{"type": "Action.OpenUrl", "title": _("Open in Baton"), "url": told[0].url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


FORMS: dict[WebhookForm, Callable[[Sequence[Told], str], dict[str, Any]]] = {
    WebhookForm.GENERIC: _generic,
    WebhookForm.SLACK: _slack,
    WebhookForm.TEAMS: _teams,
    WebhookForm.MATTERMOST: _mattermost,
}


# What becomes of one that fails ---------------------------------------------------------------------------------------


def _count_failure(*, webhook_id: int, reason: str, at: dt.datetime) -> None:
    """One more failure in a row; too many over too long a time switch the webhook off."""
    Webhook.objects.filter(id=webhook_id).update(
        failures=F("failures") + 1, failing_since=Coalesce("failing_since", at)
    )
    webhook = Webhook.objects.filter(
        id=webhook_id, is_active=True, failures__gte=OFF_AFTER_FAILURES, failing_since__lte=at - OFF_AFTER
    ).first()
    if webhook is not None:
        text = _("%(n)d tries in a row failed, the last one so: %(reason)s")
        switch_off(webhook_id=webhook_id, reason=text % {"n": webhook.failures, "reason": reason}, at=at)


def give_up(webhook: Webhook, *, reason: str, at: dt.datetime) -> None:
    """Switch a locked webhook off, with what waits for it."""
    webhook.is_active, webhook.off_at, webhook.off_reason = False, at, reason
    webhook.save(update_fields=["is_active", "off_at", "off_reason"])
    waiting = Delivery.objects.filter(webhook=webhook, state__in=[DeliveryState.QUEUED, DeliveryState.RETRY])
    waiting.update(
        state=DeliveryState.FAILED, next_attempt_at=None, error=_("The webhook was switched off: %s") % reason
    )


@transaction.atomic
def switch_off(*, webhook_id: int, reason: str, at: dt.datetime) -> None:
    """Tell a webhook nothing more, keep why, give up what waits for it, and tell the administrators."""
    webhook = Webhook.objects.select_for_update().filter(id=webhook_id, is_active=True).first()
    if webhook is None:
        return
    give_up(webhook, reason=reason, at=at)
    notices.tell(
        [
            notices.Draft(
                kind=NoticeKind.WEBHOOK_OFF,
                dedup_key=f"webhook_off:{webhook.pk}:{at:%Y%m%d%H%M%S%f}:{admin.pk}",
                recipient_id=admin.pk,
                params={"webhook": webhook.pk, "name": webhook.name, "reason": reason},
            )
            for admin in notices.people_with(Role.ADMIN)
        ],
        at=at,
    )
