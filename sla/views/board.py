"""How promises stand, and the rows behind every number about them."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from crm import formats, spreadsheets
from crm.access import person, roles_required
from crm.models import Role
from crm.queries import sla, sla_breaches, sla_charts, sla_groups, sla_period, sla_tables, timers
from crm.queries.origins import Split
from crm.queries.sla_period import Asked, Period
from sla.forms import PeriodForm
from sla.models import Milestone

PAGE_SIZE = 50
BREACHES_A_PAGE = 20
PRESETS = (7, 28, 84, 365)
"""Lengths of a period to choose from, in days."""
STATE_TABS = (
    ((), gettext_lazy("All")),
    (("open",), gettext_lazy("Open")),
    (("missed", "soon"), gettext_lazy("Missed or soon")),
    (("missed",), gettext_lazy("Missed")),
    (("soon",), gettext_lazy("Soon due")),
    (("paused",), gettext_lazy("Paused")),
    (timers.DECIDED, gettext_lazy("Decided")),
    (("met",), gettext_lazy("Met")),
    (timers.LATE, gettext_lazy("Not met when due")),
)


@roles_required(Role.MANAGER, Role.ADMIN)
@require_safe
def sla_page(request: HttpRequest) -> HttpResponse:
    """How promises stand now and were kept in a period; to htmx only what changes."""
    user, now = person(request), timezone.now()
    form = PeriodForm(request.GET, now=now)
    asked = form.asked()
    report = sla_period.report(user=user, asked=asked, now=now)
    breaches = sla_breaches.breaches_of(user, asked=asked, now=now)
    told = sla_breaches.told(list(breaches[: sla_breaches.LISTED]), now=now)
    board = sla.board(user=user, now=now)
    context = {
        "board": board,
        "hours": [*board.hours, *told.hours],
        "report": report,
        "breaches": told.rows,
        "arrivals_said": sla_groups.arrivals_said(report.arrivals),
        "title": sla_charts.title(asked.milestone, report.median, report.measured_times),
        "span": sla_charts.span(asked.milestone),
        "form": form,
        "asked": asked,
        "limits": ", ".join(formats.duration(seconds) for seconds in report.target_seconds),
        "now": now,
        "address": request.get_full_path(),
        "milestones": [(one.label, _address(asked, milestone=one), one == asked.milestone) for one in _chosen(asked)],
        "times": [
            (_("Working time"), _address(asked, is_calendar_time=False), not asked.is_calendar_time),
            (_("Calendar time"), _address(asked, is_calendar_time=True), asked.is_calendar_time),
        ],
        "splits": [(one.label, _address(asked, split=one), one == asked.split) for one in Split],
        "query": urlsplit(_address(asked)).query,
        "presets": [(days, _address(asked, period=sla_period.last_days(days, now=now))) for days in PRESETS],
    }
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    template = "sla/body.html" if is_fragment else "sla/page.html"
    return render(request, template, context | {"is_fragment": is_fragment}, status=200 if form.is_valid() else 422)


@roles_required(Role.MANAGER, Role.ADMIN)
@require_safe
def sla_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A table of the page as a file, for the same period, promise and groups."""
    now = timezone.now()
    form = PeriodForm(request.GET, now=now)
    if not form.is_valid():
        return HttpResponse(
            "\n".join(str(text) for texts in form.errors.values() for text in texts),
            status=422,
            content_type="text/plain",
        )
    found = sla_tables.table(name, user=person(request), asked=form.asked(), now=now)
    if found is None:
        raise Http404
    return spreadsheets.response(found)


@roles_required(Role.MANAGER, Role.ADMIN)
@require_safe
def breach_list(request: HttpRequest) -> HttpResponse:
    """Every promise of the period that was not kept, with its story."""
    user, now = person(request), timezone.now()
    form = PeriodForm(request.GET, now=now)
    asked = form.asked()
    page = Paginator(sla_breaches.breaches_of(user, asked=asked, now=now), BREACHES_A_PAGE).get_page(
        request.GET.get("page")
    )
    told = sla_breaches.told(list(page.object_list), now=now)
    context = {
        "form": form,
        "asked": asked,
        "page": page,
        "breaches": told.rows,
        "hours": told.hours,
        "query": urlsplit(_address(asked)).query,
        "now": now,
    }
    return render(request, "sla/breaches.html", context, status=200 if form.is_valid() else 422)


def _chosen(asked: Asked) -> list[Milestone]:
    """The promises to choose from: those that every hand-over makes, and the one that is shown."""
    return [one for one in Milestone if one in sla.ALWAYS_SHOWN or one == asked.milestone]


def _address(asked: Asked, *, period: Period | None = None, **changes: object) -> str:
    """The page with something else chosen."""
    period = period or asked.period
    is_calendar_time = changes.get("is_calendar_time", asked.is_calendar_time)
    given = {
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "milestone": str(changes.get("milestone", asked.milestone)),
        "time": "calendar" if is_calendar_time else "",
        "split": str(changes.get("split", asked.split)),
        "sort": "" if "split" in changes else asked.order,
    }
    return f"{reverse('sla')}?{urlencode({name: value for name, value in given.items() if value})}"


def _tabs(request: HttpRequest) -> list[dict[str, object]]:
    """The list in each state, narrowed down in every other way as it is now."""
    given = request.GET.copy()
    given.pop("page", None)
    now = set(given.pop("state", []))
    tabs = []
    for codes, label in STATE_TABS:
        if codes:
            given.setlist("state", list(codes))
        tabs.append({"label": label, "href": f"?{given.urlencode()}", "count": None, "is_current": now == set(codes)})
        given.pop("state", None)
    return tabs


@require_safe
def timer_list(request: HttpRequest, is_file: bool = False) -> HttpResponseBase:
    """Promises by state, milestone, person and period, where the numbers lead: as a page or as a file."""
    user, now = person(request), timezone.now()
    chosen = timers.TimerListFilter(request.GET, queryset=timers.timers_of(user, now=now))
    is_valid = chosen.is_valid()
    states = set(request.GET.getlist("state"))
    is_open_only = bool(states) and states <= {"open", *timers.OPEN_STATES}
    found = chosen.qs if is_valid else chosen.queryset.none()
    ordered = found.select_related(*timers.RELATED).order_by("due_at" if is_open_only else "-due_at", "pk")
    if is_file and is_valid:
        return spreadsheets.response(sla_tables.promises(ordered, now=now))
    page = Paginator(ordered, PAGE_SIZE).get_page(request.GET.get("page"))
    is_calendar_time = request.GET.get("time") == "calendar"
    listed = timers.rows_of(list(page.object_list), is_calendar_time=is_calendar_time, now=now)
    narrowed = {name for name in chosen.form.fields if request.GET.get(name)} - {"state"}
    context = {
        "form": chosen.form,
        "states": request.GET.getlist("state"),
        "is_filtered": bool(narrowed),
        "tabs": _tabs(request),
        "page": page,
        "rows": listed.rows,
        "hours": listed.hours,
        "is_calendar_time": is_calendar_time,
        "query": request.GET.urlencode(),
        "summary": timers.words_of(chosen) if is_valid else "",
        "now": now,
    }
    return render(request, "sla/timers.html", context, status=200 if is_valid else 422)
