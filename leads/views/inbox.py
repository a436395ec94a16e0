"""What a salesperson does now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.access import person, roles_required
from crm.models import Role
from crm.queries import inbox as inbox_queries
from crm.queries import own_work
from crm.queries.going_cold import Kind


@roles_required(Role.SALESPERSON)
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits, in the order in which waiting costs most; for htmx the part that refreshes."""
    user, now = person(request), timezone.now()
    kind = request.GET.get("kind", "")
    context = {
        "inbox": inbox_queries.inbox_of(user, now=now, kind=kind if kind in list(Kind) else ""),
        "kind": kind,
        "done": own_work.done_today(user, now=now),
        "month": own_work.own_month(user, now=now),
    }
    return render(request, "leads/inbox/fragment.html" if request.htmx else "leads/inbox/page.html", context)  # type: ignore[attr-defined]
