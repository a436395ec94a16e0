"""The scheduled report as a page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.access import person, roles_required
from crm.models import Notice, Role
from crm.models.notices import NoticeKind
from crm.queries import sla_report


@roles_required(Role.MANAGER, Role.ADMIN)
@require_safe
def report(request: HttpRequest, notice_id: int | None = None) -> HttpResponse:
    """The report that a notice announced; without one the last, or what the first would say."""
    user, now = person(request), timezone.now()
    if notice_id is None:
        notice = sla_report.last_notice(user)
    else:
        notice = Notice.objects.filter(recipient=user, kind=NoticeKind.REPORT, id=notice_id).first()
        if notice is None:
            raise Http404
    if notice is not None:
        found = sla_report.of_notice(notice, now=now)
    else:
        found = sla_report.of_period(user=user, period=sla_report.coming_period(user, now=now), now=now)
    return render(request, "crm/report/page.html", {"report": found, "notice": notice, "person": user, "now": now})
