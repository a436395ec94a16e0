"""A person's own settings."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm import toasts
from crm.access import person
from crm.errors import Invalid
from crm.flows import own_settings as flows
from crm.flows.ways_out import HandOverFirst
from crm.forms import time_zones
from crm.forms_notices import OwnSettingsForm
from crm.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def my_settings(request: HttpRequest) -> HttpResponse:
    """What reaches one how, when one is to be left alone, and who stands in."""
    user, now = person(request), timezone.now()
    form = OwnSettingsForm(request.POST, person=user) if request.method == "POST" else OwnSettingsForm.of(user, at=now)
    if form.is_bound and form.is_valid():
        values = form.values()
        try:
            going = _save(user, form, values=values, at=now)
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            if going:
                text = _("Say what becomes of what you hold; the days are saved along with it. All else is saved.")
                toasts.tell(request=request, text=text)
                return HttpResponseRedirect(going, status=303)
            toasts.tell(request=request, text=_("Your settings are saved."))
            return HttpResponseRedirect(reverse("my_settings"), status=303)
    context = {"form": form, "person": user, "is_away": user.is_away(now), "time_zones": time_zones()}
    return render(request, "people/own_settings.html", context, status=422 if form.errors else 200)


def _save(user: User, form: OwnSettingsForm, *, values: dict[str, Any], at: dt.datetime) -> str:
    """Save them; return the page on which to say what becomes of what one holds, empty where nothing need be said.

    Then all is saved but the days, which are not before that is said.
    """
    unwanted = form.unwanted()
    try:
        flows.save_own_settings(actor=user, values=values, unwanted=unwanted, at=at)
    except HandOverFirst as refusal:
        days = {name: values.pop(name) for name in ("away_from", "away_until")}
        flows.save_own_settings(actor=user, values=values, unwanted=unwanted, at=at)
        return f"{reverse('hand_over', args=[user.pk])}?{urlencode({'why': refusal.kind, **days})}"
    return ""
