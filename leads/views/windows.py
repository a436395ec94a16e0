"""How long before a buyer decides sales talks to them: read by everybody, set by managers and administrators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm import toasts
from crm.access import person
from crm.errors import Invalid
from crm.flows import definitions
from crm.flows import windows as flows
from crm.window_chart import window_face
from leads.forms_definitions import LeadTimeForm
from leads.models.windows import LeadTimeSetting, lead_time
from leads.views.definitions import is_definer
from leads.window import window_of


@require_http_methods(["GET", "HEAD", "POST"])
def contact_window(request: HttpRequest) -> HttpResponse:
    """The lead time in force, what it means for a buyer who decides in so many days, and its form."""
    known = lead_time()
    form = LeadTimeForm(
        request.POST or None, initial={"earliest_days": known.earliest_days, "latest_days": known.latest_days}
    )
    if request.method == "POST":
        definitions.require_definer(person(request))
        if form.is_valid():
            try:
                set_to = flows.set_lead_time(actor=person(request), at=timezone.now(), **form.cleaned_data)
            except Invalid as refusal:
                form.add_error(refusal.field, str(refusal))
            else:
                text = _("Sales talks to buyers from %(earliest)d to %(latest)d days before they decide.")
                toasts.tell(
                    request=request, text=text % {"earliest": set_to.earliest_days, "latest": set_to.latest_days}
                )
                return HttpResponseRedirect(reverse("contact_window"), status=303)
    today = timezone.localdate()
    context = {
        "form": form,
        "lead_time": known,
        "window": window_face(window_of(known.deadline_opening_on(today), known), today=today),
        "setting": LeadTimeSetting.objects.select_related("changed_by").first(),
        "can_change": is_definer(request),
        "tab": "window",
    }
    return render(request, "leads/definitions/window.html", context, status=422 if form.errors else 200)
