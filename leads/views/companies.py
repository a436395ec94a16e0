"""Companies, and who works there."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from crm.access import person
from crm.queries import contacts as contact_queries
from leads import queries
from leads.filters import CompanyFilter
from leads.models import Company

PAGE_SIZE = 50
ORDERS = {
    "name": ("name",),
    "-name": ("-name",),
    "contacts": ("contact_count", "name"),
    "-contacts": ("-contact_count", "name"),
    "open": ("open_count", "name"),
    "-open": ("-open_count", "name"),
}


@require_safe
def company_list(request: HttpRequest) -> HttpResponse:
    """The companies that the person may see, searched and sorted."""
    rows = queries.companies_listed(user=person(request))
    rows = rows.order_by(*ORDERS.get(request.GET.get("order", ""), ("name",)), "id")
    found = CompanyFilter(request.GET, queryset=rows)
    page = Paginator(found.qs if found.is_valid() else rows.none(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "leads/companies/list.html", {"page": page, "q": request.GET.get("q", "")})


@require_safe
def company_page(request: HttpRequest, company_id: int) -> HttpResponse:
    """What is known of a company, and its contacts."""
    user = person(request)
    company = get_object_or_404(Company.objects.visible_to(user), id=company_id)
    people = list(queries.company_contacts(user=user, company=company)[:200])
    context = {"company": company, "rows": contact_queries.contact_rows(people, now=timezone.now())}
    return render(request, "leads/companies/page.html", context)


@require_safe
def company_names(request: HttpRequest) -> HttpResponse:
    """Options for a field in which a company's name is typed: a fragment."""
    names = queries.company_names(user=person(request), text=request.GET.get("company", ""))
    return render(request, "leads/companies/names.html", {"names": names})
