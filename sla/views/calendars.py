"""Working time: calendars, for managers and administrators."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.flows import promises as flows
from crm.forms import time_zones
from crm.models import Role
from crm.queries import promises as queries
from crm.queries.promises import Trial
from sla import clock
from sla.calendars import worded
from sla.forms import CalendarForm, TrialForm
from sla.models import Calendar

OFFICE_DAY = "09:00\u201317:00"
promisers_only = roles_required(Role.MANAGER, Role.ADMIN)


@promisers_only
@require_safe
def calendars(request: HttpRequest) -> HttpResponse:
    """Every calendar with its week."""
    return render(request, "sla/calendars/list.html", {"rows": queries.calendars()})


@promisers_only
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_new(request: HttpRequest) -> HttpResponse:
    """Add a calendar; an ordinary week is proposed."""
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY)
    initial = {"time_zone": person(request).time_zone} | week
    form = CalendarForm(request.POST) if request.method == "POST" else CalendarForm(initial=initial)
    return _form_page(request, Calendar(), form)


@promisers_only
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_edit(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Change a calendar, see what it will be, and try out a clock on it."""
    calendar = get_object_or_404(Calendar, id=calendar_id)
    return _form_page(request, calendar, CalendarForm.of(calendar, request.POST if request.method == "POST" else None))


def _form_page(request: HttpRequest, calendar: Calendar, form: CalendarForm) -> HttpResponse:
    is_new = calendar.pk is None
    if form.is_bound and form.is_valid():
        form.put_into(calendar)
        try:
            moved = flows.save_calendar(actor=person(request), calendar=calendar, at=timezone.now())
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_saved(calendar, moved))
            return HttpResponseRedirect(reverse("calendar_edit", args=[calendar.pk]), status=303)
    context: dict[str, Any] = {"form": form, "is_new": is_new, "time_zones": time_zones()}
    if not is_new:
        # As it is kept, whatever was typed and refused.
        context |= _as_kept(request, Calendar.objects.get(pk=calendar.pk))
    is_refused = bool(form.errors) or (not is_new and bool(context["trial_form"].errors))
    return render(request, "sla/calendars/form.html", context, status=422 if is_refused else 200)


def _saved(calendar: Calendar, moved: int) -> str:
    saved = _("Saved the calendar %(name)s.") % {"name": calendar.name}
    if not moved:
        return saved
    return f"{saved} " + ngettext("%(n)d clock was moved.", "%(n)d clocks were moved.", moved) % {"n": moved}


def _as_kept(request: HttpRequest, calendar: Calendar) -> dict[str, Any]:
    """The coming weeks, and the answer of a clock that is tried out; its times are those of the calendar's zone."""
    zone = zoneinfo.ZoneInfo(calendar.time_zone)
    now = timezone.now()
    with timezone.override(zone):
        start = timezone.localtime(now).replace(second=0, microsecond=0, tzinfo=None)
        is_asked = request.method != "POST" and "start" in request.GET
        form = TrialForm(request.GET if is_asked else None, initial={"start": start, "hours": 8, "minutes": 0})
        trial: Trial | None = None
        if is_asked and form.is_valid():
            try:
                trial = queries.try_out(
                    calendar, start=form.cleaned_data["start"], working_seconds=form.working_seconds()
                )
            except clock.ClockError as error:
                form.add_error(None, worded(error))
    return {
        "calendar": calendar,
        "zone": zone,
        "weeks": queries.coming_weeks(calendar, now=now),
        "days": queries.SHORT_DAYS,
        "trial_form": form,
        "trial": trial,
    }
