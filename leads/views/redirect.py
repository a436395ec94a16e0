"""Going on with the right person, and taking back what was said of a contact."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from crm import flows, toasts
from crm.access import person
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from leads.forms_sales import RedirectForm
from leads.stages import VerbName
from leads.views.answers import handoff_to, or_gone
from leads.views.card import contact_page
from leads.views.review import back_to


@require_POST
@or_gone
def handoff_redirect(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Somebody else decides: go on with them, on their page."""
    handoff = handoff_to(request, handoff_id, VerbName.REDIRECT)
    form = RedirectForm(request.POST, auto_id="redirect_form_%s")
    if not form.is_valid():
        return contact_page(request, handoff.contact_id, refused={"redirect_form": form}, status=422)
    asked: dict[str, Any] = form.cleaned_data
    try:
        referral = flows.redirect(
            actor=person(request),
            handoff_id=handoff_id,
            reason=asked["reason"],
            to_contact_id=asked["contact"],
            values=asked["values"],
            comment=asked["comment"],
            at=timezone.now(),
        )
    except (Invalid, NotFound) as refusal:
        field = getattr(refusal, "field", "contact")
        form.add_error(field if field in form.fields else None, str(refusal))
        return contact_page(request, handoff.contact_id, refused={"redirect_form": form}, status=422)
    except Conflict as refusal:
        shown = {"redirect_form": form}
        return contact_page(request, handoff.contact_id, refused=shown, conflict=str(refusal), status=409)
    page = reverse("contact", args=[referral.contact_id])
    back = urlencode({"next": reverse("contact", args=[handoff.contact_id])})
    text = _("%(name)s decides: an SQL, yours.") % {"name": referral.contact}
    toasts.tell(request=request, text=text, undo_url=f"{reverse('handoff_undo', args=[handoff_id])}?{back}")
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(page)
    return HttpResponseRedirect(page, status=303)


@require_POST
def contact_undo(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Take back what one said of a contact last, within ten minutes."""
    try:
        since = toasts.undo_since(request)
        contact = flows.undo_contact(actor=person(request), contact_id=contact_id, since=since, at=timezone.now())
    except (Conflict, Forbidden) as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        toasts.tell(request=request, text=_("Taken back: %(name)s is as before.") % {"name": contact})
    return HttpResponseRedirect(back_to(request), status=303)
