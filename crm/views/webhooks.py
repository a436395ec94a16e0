"""Administrators' pages of the webhooks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import webhooks as flows
from crm.forms_notices import WebhookSettingsForm
from crm.models import Role, Webhook
from crm.models.notices import NoticeKind
from crm.models.webhooks import WebhookForm
from crm.queries import mailings

admins_only = roles_required(Role.ADMIN)


@admins_only
@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    """Every webhook, what it is told of and how it stands."""
    rows = [(one, [NoticeKind(kind).label for kind in one.kinds]) for one in mailings.webhooks()]
    off = sum(not one.is_active for one, _kinds in rows)
    return render(request, "crm/webhooks/list.html", {"rows": rows, "off": off, "now": timezone.now()})


@admins_only
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_new(request: HttpRequest) -> HttpResponse:
    """Enter a webhook."""
    return _form_page(request, None)


@admins_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_edit(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Change a webhook, see its secret, try it out."""
    return _form_page(request, get_object_or_404(mailings.webhooks(), id=webhook_id))


def _form_page(request: HttpRequest, webhook: Webhook | None, *, problem: str = "", **more: Any) -> HttpResponse:
    form = WebhookSettingsForm.of(webhook) if webhook else WebhookSettingsForm()
    if request.method == "POST" and not problem:
        form = WebhookSettingsForm(request.POST)
        if form.is_valid():
            user, now = person(request), timezone.now()
            try:
                if webhook is None:
                    saved = flows.create_webhook(actor=user, values=form.cleaned_data, at=now)
                else:
                    saved = flows.edit_webhook(actor=user, webhook_id=webhook.pk, values=form.cleaned_data)
            except Invalid as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            else:
                toasts.tell(request=request, text=_("Saved %(name)s. Send it a test.") % {"name": saved.name})
                return _to(saved.pk)
    context = {
        "form": form,
        "webhook": webhook,
        "problem": problem,
        "is_signed": webhook is not None and webhook.form == WebhookForm.GENERIC,
        "now": timezone.now(),
    }
    return render(request, "crm/webhooks/form.html", context, status=422 if form.errors else 409 if problem else 200)


def _to(webhook_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("webhook_edit", args=[webhook_id]), status=303)


@admins_only
@require_POST
def webhook_test(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Send a test now and say what came of it."""
    try:
        flows.send_test(actor=person(request), webhook_id=webhook_id, at=timezone.now())
    except Conflict as refusal:
        return _form_page(request, mailings.webhooks().get(id=webhook_id), problem=str(refusal))
    toasts.tell(request=request, text=_("The test was taken."))
    return _to(webhook_id)


@admins_only
@require_POST
def webhook_switch(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Switch it on, or off with `state=off`."""
    if request.POST.get("state") == "off":
        webhook = flows.switch_off(actor=person(request), webhook_id=webhook_id, at=timezone.now())
        toasts.tell(request=request, text=_("%(name)s is off and told nothing.") % {"name": webhook.name})
    else:
        webhook = flows.switch_on(actor=person(request), webhook_id=webhook_id)
        toasts.tell(request=request, text=_("%(name)s is on.") % {"name": webhook.name})
    return _to(webhook_id)


@admins_only
@require_POST
def webhook_secret(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Give it a new secret."""
    flows.renew_secret(actor=person(request), webhook_id=webhook_id)
    toasts.tell(request=request, text=_("There is a new secret. Give it to the program before the next notice."))
    return _to(webhook_id)


@admins_only
@require_POST
def webhook_delete(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Remove it, with its sendings."""
    flows.delete_webhook(actor=person(request), webhook_id=webhook_id)
    toasts.tell(request=request, text=_("The webhook is gone."))
    return HttpResponseRedirect(reverse("webhooks"), status=303)
