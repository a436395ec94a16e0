"""Campaigns: what was done to be found, what it cost, whom it brought."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.models import Role
from crm.queries import funnel
from leads import queries, services
from leads.filters import CampaignFilter
from leads.forms import CampaignForm
from leads.models import Campaign, Handoff

PAGE_SIZE = 50
ORDERS = {
    "name": ("name",),
    "-name": ("-name",),
    "start": ("start_date",),
    "-start": ("-start_date",),
    "contacts": ("contact_count",),
    "-contacts": ("-contact_count",),
    "handoffs": ("handoff_count",),
    "-handoffs": ("-handoff_count",),
}
marketing_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


@marketing_only
@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    """All campaigns with what each brought."""
    rows = queries.campaigns_listed().order_by(*ORDERS.get(request.GET.get("order", ""), ("-id",)), "-id")
    found = CampaignFilter(request.GET, queryset=rows)
    page = Paginator(found.qs if found.is_valid() else rows.none(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "q": request.GET.get("q", ""), "channels": funnel.channel_rows(user=person(request))}
    return render(request, "leads/campaigns/list.html", context)


@marketing_only
@require_safe
def campaign_page(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """One campaign and what it brought."""
    campaign = get_object_or_404(queries.campaigns_listed(), id=campaign_id)
    outcomes = queries.outcomes_of(Handoff.objects.visible_to(person(request)).after(campaign.pk))
    return render(request, "leads/campaigns/page.html", {"campaign": campaign, "outcomes": outcomes})


@marketing_only
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_new(request: HttpRequest) -> HttpResponse:
    """Plan a campaign."""
    return _form_page(request, Campaign())


@marketing_only
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_edit(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Change a campaign: most often its cost, once the bill is there."""
    return _form_page(request, get_object_or_404(Campaign, id=campaign_id))


def _form_page(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    is_new = campaign.pk is None
    form = CampaignForm(request.POST if request.method == "POST" else None, instance=campaign)
    if form.is_bound and form.is_valid():
        source = form.cleaned_data["source"]
        values = form.cleaned_data | {"source": source.code if source else ""}
        try:
            services.save_campaign(campaign, values=values, at=timezone.now())
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved the campaign %(name)s.") % {"name": campaign.name})
            return HttpResponseRedirect(reverse("campaign", args=[campaign.pk]), status=303)
    context = {"form": form, "campaign": campaign, "is_new": is_new}
    return render(request, "leads/campaigns/form.html", context, status=422 if form.errors else 200)
