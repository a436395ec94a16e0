"""Webhooks: entering them, changing them, trying them out. Administrators."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm import outgoing, webhooks
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.models import Webhook
from crm.models.notices import WEBHOOK_KINDS
from crm.models.webhooks import new_secret
from crm.sending import NotTaken, Unreachable, Unsendable, words_of

if TYPE_CHECKING:
    from crm.models import User

FIELDS = ("name", "url", "form", "kinds")


@transaction.atomic
def create_webhook(*, actor: User, values: dict[str, Any], at: dt.datetime) -> Webhook:
    """Enter a webhook; `values` are columns named in `FIELDS`. Raises `Forbidden`, `Invalid`."""
    _require_admin(actor)
    webhook = Webhook(created_at=at)
    _set(webhook, values)
    webhook.save(force_insert=True)
    return webhook


@transaction.atomic
def edit_webhook(*, actor: User, webhook_id: int, values: dict[str, Any]) -> Webhook:
    """Change a webhook. Raises `Forbidden`, `NotFound`, `Invalid`."""
    webhook = _locked(actor, webhook_id)
    _set(webhook, values)
    webhook.save(update_fields=[name for name in FIELDS if name in values])
    return webhook


@transaction.atomic
def delete_webhook(*, actor: User, webhook_id: int) -> None:
    """Remove a webhook and what was ever sent to it. Raises `Forbidden`, `NotFound`."""
    _locked(actor, webhook_id).delete()


@transaction.atomic
def switch_on(*, actor: User, webhook_id: int) -> Webhook:
    """Tell a webhook again what it listens to, with a clean sheet. Raises `Forbidden`, `NotFound`."""
    webhook = _locked(actor, webhook_id)
    webhook.is_active, webhook.failures, webhook.failing_since = True, 0, None
    webhook.off_at, webhook.off_reason = None, ""
    webhook.save(update_fields=["is_active", "failures", "failing_since", "off_at", "off_reason"])
    return webhook


@transaction.atomic
def switch_off(*, actor: User, webhook_id: int, at: dt.datetime) -> Webhook:
    """Tell a webhook nothing for now; what waits for it is given up. Raises `Forbidden`, `NotFound`."""
    webhook = _locked(actor, webhook_id)
    webhooks.give_up(webhook, reason=_("%(name)s switched it off.") % {"name": actor}, at=at)
    return webhook


@transaction.atomic
def renew_secret(*, actor: User, webhook_id: int) -> Webhook:
    """Replace the secret of a webhook; signatures with the old one end now. Raises `Forbidden`, `NotFound`."""
    webhook = _locked(actor, webhook_id)
    webhook.secret = new_secret()
    webhook.save(update_fields=["secret"])
    return webhook


def send_test(*, actor: User, webhook_id: int, at: dt.datetime) -> None:
    """Post a test to a webhook now, on or off. Raises `Forbidden`, `NotFound`, `Conflict` with what came of it."""
    _require_admin(actor)
    webhook = Webhook.objects.filter(id=webhook_id).first()
    if webhook is None:
        raise NotFound(_("There is no such webhook."))
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    try:
        webhooks.post(webhook, [webhooks.sample(at=at)], message_id=f"<test.{uuid.uuid4().hex}@{host}>", at=at)
    except (NotTaken, Unreachable, Unsendable) as error:
        raise Conflict(_("The test did not arrive. %(reason)s") % {"reason": words_of(error)}) from error


def _require_admin(actor: User) -> None:
    if not actor.is_admin:
        raise Forbidden(_("Webhooks are for administrators to enter and change."))


def _locked(actor: User, webhook_id: int) -> Webhook:
    _require_admin(actor)
    webhook = Webhook.objects.select_for_update().filter(id=webhook_id).first()
    if webhook is None:
        raise NotFound(_("There is no such webhook."))
    return webhook


def _set(webhook: Webhook, values: dict[str, Any]) -> None:
    """Set the columns and check them. Raises `Invalid` for the first that is wrong."""
    for name in FIELDS:
        if name in values:
            setattr(webhook, name, values[name])
    if Webhook.objects.filter(name=webhook.name).exclude(id=webhook.pk).exists():
        raise Invalid(_("There is a webhook of this name already."), field="name")
    try:
        outgoing.check(webhook.url)
    except outgoing.Refused as refusal:
        raise Invalid(str(refusal), field="url") from refusal
    if not webhook.kinds or not set(webhook.kinds) <= set(WEBHOOK_KINDS):
        raise Invalid(_("Choose what it is told of: %(kinds)s.") % {"kinds": ", ".join(WEBHOOK_KINDS)}, field="kinds")
