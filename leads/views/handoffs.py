"""Lists of handoffs: where the numbers of other pages lead."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.access import person
from crm.chips import chips_of
from crm.queries import handoffs as queries

PAGE_SIZE = 50
KEPT = (
    "contact",
    "campaign",
    "source",
    "cause",
    "reason",
    "straight_by",
    "promised_by",
    "reviewed_by",
    "between",
    "response",
    "result",
)


@require_safe
def handoff_list(request: HttpRequest) -> HttpResponse:
    """Handoffs by state, assignee, contact and clock."""
    user, now = person(request), timezone.now()
    chosen = queries.HandoffListFilter(request.GET, user=user, now=now)
    # A value that is not understood finds nothing and says so, rather than showing everything.
    found = chosen.qs if chosen.is_valid() else chosen.queryset.none()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    listed = queries.rows_of(list(page.object_list), milestone=request.GET.get("milestone", ""), now=now)
    context = {
        "filter": chosen,
        "form": chosen.form,
        "page": page,
        "rows": listed.rows,
        "hours": listed.hours,
        "people": queries.people_of(user),
        "chips": chips_of(queries.narrowed_by(chosen), request=request),
        # What the form has no field for goes along when it is sent.
        "kept": [(name, value) for name in KEPT for value in request.GET.getlist(name) if value],
    }
    return render(request, "leads/handoffs.html", context, status=200 if chosen.is_valid() else 422)
