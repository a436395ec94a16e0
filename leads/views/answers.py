"""What people do with a contact and its handoff from the contact page: answer, log, pass on, give back, pause."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm import flows, formats, openers, toasts
from crm.access import person
from crm.deeds import OUTCOMES
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.models import User
from crm.queries import card as card_queries
from crm.queries import desk
from crm.queries import tasks as task_queries
from leads import qualification
from leads.forms_sales import (
    AcceptForm,
    AdjustForm,
    LogForm,
    PauseForm,
    QualifyForm,
    ReassignForm,
    RecycleForm,
    RejectForm,
)
from leads.models import Contact, Handoff
from leads.stages import Refusal, VerbName
from leads.views.card import contact_page, gone_page


def or_gone(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Tell those with whom a handoff was before who has it now, instead of a bare 404."""

    @wraps(view)
    def guarded(request: HttpRequest, handoff_id: int) -> HttpResponse:
        try:
            return view(request, handoff_id)
        except NotFound:
            return gone_page(request, id=handoff_id)

    return guarded


@require_POST
@or_gone
def handoff_accept(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """The assignee takes the lead."""
    handoff = handoff_to(request, handoff_id, VerbName.ACCEPT)

    def accept(values: dict[str, Any]) -> str:
        taken = flows.accept(actor=person(request), handoff_id=handoff_id, at=timezone.now(), **values)
        return _("Accepted %(name)s: an SQL, yours.") % {"name": taken.contact}

    form = AcceptForm(request.POST, auto_id="answer_form_%s")
    return act(request, handoff.contact_id, form=form, name="answer_form", do=accept, undo=handoff_id)


@require_POST
@or_gone
def handoff_reject(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """The assignee says no, and why."""
    handoff = handoff_to(request, handoff_id, VerbName.REJECT)

    def reject(values: dict[str, Any]) -> str:
        said = flows.reject(actor=person(request), handoff_id=handoff_id, at=timezone.now(), **values)
        return _("Rejected %(name)s: %(reason)s. Marketing has your answer.") % {
            "name": said.contact,
            "reason": said.reason,
        }

    form = RejectForm(request.POST, auto_id="answer_form_%s")
    return act(request, handoff.contact_id, form=form, name="answer_form", do=reject, undo=handoff_id)


@require_POST
def handoff_reassign(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """A manager gives the lead to somebody else: to the person named, or to whom routing finds."""
    handoff = handoff_to(request, handoff_id, VerbName.REASSIGN)

    def reassign(values: dict[str, Any]) -> str:
        moved = flows.reassign(
            actor=person(request),
            handoff_id=handoff_id,
            assignee_email=values["assignee"] or None,
            comment=values["comment"],
            seen_with=values["seen_with"],
            at=timezone.now(),
        )
        return _("%(name)s is now with %(assignee)s.") % {"name": moved.contact, "assignee": moved.assignee}

    form = ReassignForm(request.POST, auto_id="reassign_form_%s")
    return act(request, handoff.contact_id, form=form, name="reassign_form", do=reassign, undo=handoff_id)


@require_POST
@or_gone
def handoff_recycle(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """The owner or a manager gives the contact back to marketing until a day."""
    handoff = handoff_to(request, handoff_id, VerbName.RECYCLE)

    def recycle(values: dict[str, Any]) -> str:
        given = flows.recycle(actor=person(request), handoff_id=handoff_id, at=timezone.now(), **values)
        day = openers.mid_sentence(formats.when(values["resurface_at"], now=timezone.now(), with_time=False))
        return _("%(name)s is back with marketing and returns by itself on %(day)s.") % {
            "name": given.contact,
            "day": day,
        }

    form = RecycleForm(request.POST, auto_id="recycle_form_%s")
    return act(request, handoff.contact_id, form=form, name="recycle_form", do=recycle, undo=handoff_id)


@require_POST
@or_gone
def handoff_pause(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Let the clocks of a handoff stand still until an instant."""
    handoff = card_queries.handoff_seen(person(request), handoff_id)
    _require_hand(person(request), handoff)

    def pause(values: dict[str, Any]) -> str:
        paused = flows.pause_clocks(actor=person(request), handoff_id=handoff_id, at=timezone.now(), **values)
        until = openers.mid_sentence(formats.when(values["until"], now=timezone.now()))
        return _("The clocks of %(name)s stand still until %(until)s.") % {"name": paused.contact, "until": until}

    form = PauseForm(request.POST, auto_id="pause_form_%s")
    return act(request, handoff.contact_id, form=form, name="pause_form", do=pause)


@require_POST
@or_gone
def handoff_resume(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Let the clocks of a handoff run again."""
    handoff = card_queries.handoff_seen(person(request), handoff_id)
    _require_hand(person(request), handoff)

    def resume(values: dict[str, Any]) -> str:
        resumed = flows.resume_clocks(actor=person(request), handoff_id=handoff_id, at=timezone.now())
        return _("The clocks of %(name)s run again.") % {"name": resumed.contact}

    return act(request, handoff.contact_id, form=forms.Form(request.POST), name="", do=resume)


@require_POST
def contact_log(request: HttpRequest, contact_id: int) -> HttpResponse:
    """A call, e-mail, meeting or note, what came of it, and when to get in touch again."""
    contact = card_queries.contact_seen(person(request), contact_id)

    def log(values: dict[str, Any]) -> str:
        logged = flows.log_contact(
            actor=person(request),
            contact_id=contact_id,
            type=values["type"],
            outcome=values["outcome"],
            note=values["note"],
            occurred_at=values["occurred_at"],
            next_at=values["next_at"],
            no_next=values["no_next"],
            next_has_time=bool(values["next_at"] and not values["next"]),
            at=timezone.now(),
        )
        said = logged_words(contact, values)
        if logged.activity_id and card_queries.is_before_the_offer(logged.activity_id):
            said += " " + _("It was before the lead was offered, so it keeps no promise.")
        return said

    asks_next = task_queries.asks_next_step(person(request), contact, now=timezone.now())
    form = LogForm(request.POST, auto_id="log_form_%s", asks_next=asks_next)
    return act(request, contact_id, form=form, name="log_form", do=log, fields={"next_at": "later"})


def logged_words(contact: Contact, values: dict[str, Any]) -> str:
    """The sentence that says what was logged, from the cleaned values of a `LogForm`."""
    what = {
        "call": _("Call with %(name)s logged"),
        "email": _("E-mail to %(name)s logged"),
        "meeting": _("Meeting with %(name)s logged"),
        "note": _("Note on %(name)s saved"),
    }[values["type"]] % {"name": contact}
    if values["outcome"]:
        what += f": {OUTCOMES[values['outcome']]}"
    if values["next_at"]:
        when = openers.mid_sentence(formats.when(values["next_at"], now=timezone.now(), with_time=False))
        return _("%(what)s. Next step %(when)s.") % {"what": what, "when": when}
    return f"{what}."


@require_POST
def contact_qualify(request: HttpRequest, contact_id: int) -> HttpResponse:
    """The owner or a manager writes what sales found out."""
    user = person(request)
    contact = card_queries.contact_seen(user, contact_id)
    form = QualifyForm(request.POST, answers=qualification.answers_of(contact))

    def qualify(values: dict[str, Any]) -> str:
        flows.qualify(actor=user, contact_id=contact_id, answers=form.answers(), at=timezone.now())
        return _("Saved what you found out about %(name)s. The score follows.") % {"name": contact}

    return act(
        request,
        contact_id,
        form=form,
        name="qualify_form",
        do=qualify,
        undo_at=reverse("contact_undo", args=[contact.pk]),
    )


@require_POST
def contact_adjust(request: HttpRequest, contact_id: int) -> HttpResponse:
    """A marketer or manager gives or takes points by hand."""
    user = person(request)
    contact = card_queries.contact_seen(user, contact_id)
    if not (user.is_marketer or user.is_manager):
        raise Forbidden(_("Marketers and managers adjust scores."))

    def adjust(values: dict[str, Any]) -> str:
        given = flows.adjust_score(actor=user, contact_id=contact_id, at=timezone.now(), **values)
        return _("%(name)s: %(points)s points by hand.") % {
            "name": contact,
            "points": formats.signed(given.points, decimals=None),
        }

    form = AdjustForm(request.POST, auto_id="adjust_form_%s")
    return act(request, contact_id, form=form, name="adjust_form", do=adjust)


def act(
    request: HttpRequest,
    contact_id: int,
    *,
    form: forms.Form,
    name: str,
    do: Callable[[dict[str, Any]], str],
    undo: int | None = None,
    undo_at: str = "",
    fields: dict[str, str] | None = None,
) -> HttpResponse:
    """Do one thing with a contact and show its page; refused input stays in its form there.

    `do` takes what was typed and returns the sentence that says what was done. `undo` is the handoff on which it can
    be taken back, `undo_at` the address where something else can. `fields` names the form's field for a field of the
    domain where the two differ.
    """
    refused = {name: form} if name else {}
    if not form.is_valid():
        return contact_page(request, contact_id, refused=refused, status=422)
    try:
        text = do(form.cleaned_data)
    except Invalid as refusal:
        at = (fields or {}).get(refusal.field, refusal.field)
        form.add_error(at if at in form.fields else None, str(refusal))
        return contact_page(request, contact_id, refused=refused, status=422)
    except Conflict as refusal:
        return contact_page(request, contact_id, refused=refused, conflict=str(refusal), status=409)
    page = reverse("contact", args=[contact_id])
    undo_at = reverse("handoff_undo", args=[undo]) if undo else undo_at
    undo_url = f"{undo_at}?{urlencode({'next': page})}" if undo_at else ""
    toasts.tell(request=request, text=text, undo_url=undo_url)
    if request.htmx:  # type: ignore[attr-defined]
        return contact_page(request, contact_id)
    return HttpResponseRedirect(page, status=303)


def handoff_to(request: HttpRequest, handoff_id: int, verb: VerbName) -> Handoff:
    """The handoff, for somebody whose place it is to do `verb` with it; whether it is the time, the flow says."""
    user = person(request)
    handoff = card_queries.handoff_seen(user, handoff_id)
    if desk.may(user, verb, contact=handoff.contact, handoff=handoff) is Refusal.WRONG_ROLE:
        raise PermissionDenied(_("That is for somebody else to do."))
    return handoff


def _require_hand(user: User, handoff: Handoff) -> None:
    if not (user.is_marketer or user.is_manager or handoff.assignee_id == user.pk):
        raise Forbidden(_("The clocks are paused by the assignee, a marketer or a manager."))
