"""A person's own settings."""

from __future__ import annotations

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
from crm.forms import time_zones
from crm.forms_notices import OwnSettingsForm
from crm.models import Departure
from crm.queries import holdings


@require_http_methods(["GET", "HEAD", "POST"])
def my_settings(request: HttpRequest) -> HttpResponse:
    """What reaches one how, when one is to be left alone, and who stands in."""
    user, now = person(request), timezone.now()
    form = OwnSettingsForm(request.POST, person=user) if request.method == "POST" else OwnSettingsForm.of(user, at=now)
    was_away_from = user.away_from
    if form.is_bound and form.is_valid():
        try:
            saved = flows.save_own_settings(actor=user, values=form.values(), unwanted=form.unwanted(), at=now)
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Your settings are saved."))
            is_going = saved.away_from is not None and saved.away_from != was_away_from
            if is_going and holdings.holdings(saved, kind=Departure.Kind.AWAY, user=saved).items:
                return HttpResponseRedirect(f"{reverse('hand_over', args=[saved.pk])}?why=away", status=303)
            return HttpResponseRedirect(reverse("my_settings"), status=303)
    context = {"form": form, "person": user, "is_away": user.is_away(now), "time_zones": time_zones()}
    return render(request, "people/own_settings.html", context, status=422 if form.errors else 200)
