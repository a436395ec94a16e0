"""Administrators' page of what Baton sends: mail, and what webhooks are told."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from crm import deliveries as sending
from crm import toasts
from crm.access import person, roles_required
from crm.forms_notices import DeliveryFilter
from crm.models import Role
from crm.models.notices import DeliveryState
from crm.queries import mailings

PAGE_SIZE = 50
MAX_ID_DIGITS = 18
TABS = (
    (DeliveryState.FAILED, gettext_lazy("Failed")),
    (DeliveryState.RETRY, gettext_lazy("Trying again")),
    (DeliveryState.QUEUED, gettext_lazy("Waiting")),
    (DeliveryState.SENDING, gettext_lazy("Sending")),
    (DeliveryState.SENT, gettext_lazy("Sent")),
    (DeliveryState.GROUPED, gettext_lazy("In digests")),
    (DeliveryState.SKIPPED, gettext_lazy("No longer true")),
)
admins_only = roles_required(Role.ADMIN)


@admins_only
@require_safe
def deliveries(request: HttpRequest) -> HttpResponse:
    """Sendings by state, first what failed, with the reason."""
    return _page(request)


def _page(request: HttpRequest, *, problem: str = "") -> HttpResponse:
    form = DeliveryFilter(request.GET, auto_id="filter-%s")
    chosen = form.chosen()
    state = request.GET.get("state") if form.is_valid() else None
    state = state or DeliveryState.FAILED.value
    counts = mailings.counts(**chosen)
    page = Paginator(mailings.in_state(state, **chosen), PAGE_SIZE).get_page(request.GET.get("page"))
    kept = {name: request.GET[name] for name in ("channel", "webhook", "recipient", "digest") if chosen.get(name)}
    context = {
        "page": page,
        "rows": mailings.rows_of(list(page.object_list)),
        "counts": counts,
        "state": state,
        "form": form,
        "is_narrowed": bool(chosen),
        "kept": f"&{urlencode(kept)}" if kept else "",
        "now": timezone.now(),
        "tabs": [
            {
                "label": label,
                "href": f"?{urlencode({'state': code.value, **kept})}",
                "count": counts[code],
                "is_current": code == state,
            }
            for code, label in TABS
        ],
        "problem": problem or (_("That filter is not known; these failed.") if form.errors else ""),
    }
    return render(request, "crm/deliveries/page.html", context, status=422 if problem or form.errors else 200)


@admins_only
@require_POST
def deliveries_again(request: HttpRequest) -> HttpResponse:
    """Send again what failed and was chosen: one, or several."""
    chosen = request.POST.getlist("delivery")
    ids = [int(one) for one in chosen if one.isdecimal() and len(one) <= MAX_ID_DIGITS]
    if not ids or len(ids) != len(chosen):
        return _page(request, problem=_("Choose what is to be sent again."))
    queued = sending.send_again(actor=person(request), delivery_ids=ids, at=timezone.now())
    text = ngettext("%(n)d leaves again in a moment.", "%(n)d leave again in a moment.", len(queued))
    toasts.tell(request=request, text=text % {"n": len(queued)})
    following = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(following, allowed_hosts={request.get_host()}):
        following = reverse("deliveries")
    return HttpResponseRedirect(following, status=303)
