"""What people say to each other about a lead, from the contact page and from the queue."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crm import flows
from crm.access import person
from crm.errors import Invalid
from crm.queries import conversation
from leads.forms import SayForm
from leads.views.card import contact_page
from leads.views.review import back_to


@require_POST
def handoff_comment(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Say something; htmx gets the conversation, a browser without it goes back to where it came from."""
    user = person(request)
    contact = conversation.contact_spoken_of(user, handoff_id)
    form = SayForm(request.POST, auto_id="say_form_%s")
    if form.is_valid():
        try:
            flows.comment(actor=user, handoff_id=handoff_id, text=form.cleaned_data["text"], at=timezone.now())
        except Invalid as refusal:
            form.add_error("text", str(refusal))
    if request.htmx:  # type: ignore[attr-defined]
        context = {
            "conversation": conversation.conversation_read(user, handoff_id),
            "say_form": form if form.errors else None,
            "is_said": not form.errors,
        }
        status = 422 if form.errors else 200
        return render(request, "components/conversation.html", context, status=status)
    if form.errors:
        return contact_page(request, contact.pk, refused={"say_form": form}, status=422)
    back = back_to(request) if request.POST.get("next") else reverse("contact", args=[contact.pk])
    return HttpResponseRedirect(f"{back}#conversation", status=303)


@require_safe
def handoff_people(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Those who may be named with an @, as the options from which the field completes a name."""
    user = person(request)
    contact = conversation.contact_spoken_of(user, handoff_id)
    people = conversation.people_to_name(user, contact)
    return render(request, "components/people_to_name.html", {"people": people})
