"""Working time: calendars, for managers and administrators."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import promises as flows
from crm.forms import time_zones
from crm.models import Role
from crm.queries import calendars as queries
from crm.queries.calendars import Trial
from sla import clock, tasks
from sla.calendars import worded
from sla.forms import CalendarForm, TrialForm
from sla.models import Calendar, ClockMove

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
            move = flows.save_calendar(
                actor=person(request), calendar=calendar, teams=form.cleaned_data["teams"], at=timezone.now()
            )
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            tasks.run_soon(move)
            toasts.tell(request=request, text=_saved(calendar, move))
            return HttpResponseRedirect(reverse("calendar_edit", args=[calendar.pk]), status=303)
    context: dict[str, Any] = {
        "form": form,
        "is_new": is_new,
        "time_zones": time_zones(),
        "countries": queries.countries(),
        "subdivisions": queries.subdivisions(str(form["country"].value() or "").upper()),
    }
    if not is_new:
        # As it is kept, whatever was typed and refused.
        context |= _as_kept(request, Calendar.objects.get(pk=calendar.pk))
    is_refused = bool(form.errors) or (not is_new and bool(context["asked_form"].errors))
    return render(request, "sla/calendars/form.html", context, status=422 if is_refused else 200)


def _saved(calendar: Calendar, move: ClockMove | None) -> str:
    saved = _("Saved the calendar %(name)s.") % {"name": calendar.name}
    if move is None:
        return saved
    if not move.is_done:
        return f"{saved} " + _("Its clocks are being moved.")
    return f"{saved} " + ngettext("%(n)d clock was moved.", "%(n)d clocks were moved.", move.moved) % {"n": move.moved}


@promisers_only
@require_POST
def calendar_delete(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Remove a calendar that nothing uses."""
    calendar = get_object_or_404(Calendar, id=calendar_id)
    try:
        flows.delete_calendar(actor=person(request), calendar_id=calendar_id)
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
        return HttpResponseRedirect(reverse("calendar_edit", args=[calendar_id]), status=303)
    toasts.tell(request=request, text=_("Removed the calendar %(name)s.") % {"name": calendar.name})
    return HttpResponseRedirect(reverse("calendars"), status=303)


@promisers_only
@require_safe
def clock_move(request: HttpRequest, move_id: int) -> HttpResponse:
    """How far a move of clocks is: a fragment that asks again until it is over."""
    return render(request, "sla/move.html", {"move": get_object_or_404(ClockMove, id=move_id)})


def _as_kept(request: HttpRequest, calendar: Calendar) -> dict[str, Any]:
    """Four weeks, and the answer of a clock that is tried out; its times are those of the calendar's zone."""
    zone = zoneinfo.ZoneInfo(calendar.time_zone)
    now = timezone.now()
    with timezone.override(zone):
        start = timezone.localtime(now).replace(second=0, microsecond=0, tzinfo=None)
        initial = {"start": start, "hours": 8, "minutes": 0}
        is_asked = request.method != "POST" and bool({"start", "since"} & set(request.GET))
        asked = {**initial, **request.GET.dict()} if is_asked else None
        form = TrialForm(asked, initial=initial)
        trial: Trial | None = None
        if is_asked and form.is_valid() and "start" in request.GET:
            try:
                trial = queries.try_out(
                    calendar, start=form.cleaned_data["start"], working_seconds=form.working_seconds()
                )
            except clock.ClockError as error:
                form.add_error(None, worded(error))
    weeks = queries.weeks_from(calendar, since=form.since_day(), now=now)
    span = dt.timedelta(days=7 * queries.WEEKS_SHOWN)
    return {
        "calendar": calendar,
        "zone": zone,
        "weeks": weeks,
        "earlier": (weeks[0][0].date - span).isoformat(),
        "later": (weeks[0][0].date + span).isoformat(),
        "is_now": weeks[0][0].date <= queries.today_of(calendar, now=now) <= weeks[-1][-1].date,
        "days": queries.SHORT_DAYS,
        "use": queries.use_of(calendar),
        "asked_form": form,
        "trial": trial,
    }
