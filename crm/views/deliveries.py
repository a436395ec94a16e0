"""Administrators' page of the mail that Baton sends."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from crm import deliveries as sending
from crm import toasts
from crm.access import person, roles_required
from crm.models import Role
from crm.models.notices import DeliveryState
from crm.queries import mailings

PAGE_SIZE = 50
TABS = (
    (DeliveryState.FAILED, gettext_lazy("Failed")),
    (DeliveryState.RETRY, gettext_lazy("Trying again")),
    (DeliveryState.QUEUED, gettext_lazy("Waiting")),
    (DeliveryState.SENDING, gettext_lazy("Sending")),
    (DeliveryState.SENT, gettext_lazy("Sent")),
)
admins_only = roles_required(Role.ADMIN)


@admins_only
@require_safe
def deliveries(request: HttpRequest) -> HttpResponse:
    """Mail by state, first what failed, with the reason."""
    asked = request.GET.get("state", DeliveryState.FAILED)
    is_known = asked in DeliveryState.values
    state = asked if is_known else DeliveryState.FAILED.value
    counts = mailings.counts()
    page = Paginator(mailings.in_state(state), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": mailings.rows_of(list(page.object_list)),
        "counts": counts,
        "now": timezone.now(),
        "tabs": [
            {"label": label, "href": f"?state={code.value}", "count": counts[code], "is_current": code == state}
            for code, label in TABS
        ],
        "problem": "" if is_known else _("There is no such state; these failed."),
    }
    return render(request, "crm/deliveries/page.html", context, status=200 if is_known else 422)


@admins_only
@require_POST
def delivery_again(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Send a failed mail once more."""
    delivery = sending.send_again(actor=person(request), delivery_id=delivery_id, at=timezone.now())
    toasts.tell(request=request, text=_("The mail to %(name)s leaves in a moment.") % {"name": delivery.recipient})
    return HttpResponseRedirect(reverse("deliveries"), status=303)
