"""A person's own alerts."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from crm import notice_words, notices, toasts
from crm.access import person
from crm.queries import alerts as queries

PAGE_SIZE = 50


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """What one was told, the unread first; to htmx only the list."""
    return _page(request)


def _page(request: HttpRequest, *, problem: str = "") -> HttpResponse:
    user, now = person(request), timezone.now()
    found = queries.notices_of(user)
    page = Paginator(found.select_related(*notice_words.RELATED), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": queries.rows_of(list(page.object_list)),
        "unread": found.filter(read_at=None).count(),
        "now": now,
        "until": now.isoformat(),
        "problem": problem,
        "is_fragment": bool(request.htmx),  # type: ignore[attr-defined]
    }
    template = "crm/alerts/body.html" if request.htmx else "crm/alerts/page.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=422 if problem else 200)


def _done(request: HttpRequest) -> HttpResponse:
    """The list as it is now: as a fragment, or on the way back to the page."""
    if request.htmx:  # type: ignore[attr-defined]
        return _page(request)
    return HttpResponseRedirect(reverse("alerts"), status=303)


@require_POST
def alert_read(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Mark one as read."""
    notices.mark_read(reader=person(request), notice_id=notice_id, at=timezone.now())
    return _done(request)


@require_POST
def alerts_read_all(request: HttpRequest) -> HttpResponse:
    """Mark all as read that were there when the page was shown; what came since stays unread."""
    try:
        until = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        until = None
    if until is None or timezone.is_naive(until):
        return _page(request, problem=_("Load the page again: it is not known what you have seen of this."))
    count = notices.mark_all_read(reader=person(request), until=until, at=timezone.now())
    toasts.tell(
        request=request,
        text=ngettext("%(n)d alert marked as read.", "%(n)d alerts marked as read.", count) % {"n": count},
    )
    return _done(request)
