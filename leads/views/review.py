"""What marketing does with a lead in review: approve, return, offer, disqualify, several at once, take back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from crm import flows, toasts
from crm.access import person, roles_required
from crm.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from crm.models import Role, User
from crm.queries import evidence as evidence_queries
from crm.queries import queue as queue_queries
from crm.queries.queue import Tab
from leads import lifecycle, routing
from leads.forms import ApproveForm, DisqualifyForm, OfferForm, ReturnForm, SelectionForm
from leads.models import Contact, Handoff
from leads.selling import sellers
from leads.stages import HandoffState
from leads.views.card import contact_page
from leads.views.queue import back_of, chosen_of, head_context, panel_page, queue_page, reviewers_only, told_counts


@reviewers_only
@require_POST
def handoff_approve(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Pass a lead to sales: to the person named, or to whom routing finds."""

    def approve(values: dict[str, Any]) -> str:
        # The main button says whom routing found; the list of names below it is then not what was meant.
        named = "" if request.POST.get("by") == "routing" else values["assignee"]
        handoff = flows.approve(
            actor=person(request),
            handoff_id=handoff_id,
            assignee_email=named or None,
            comment=values["comment"],
            at=timezone.now(),
        )
        return _approved(handoff)

    return _act(request, handoff_id, form=ApproveForm, name="approve_form", do=approve)


@reviewers_only
@require_POST
def handoff_return(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Give a lead back to nurturing with a reason."""

    def give_back(values: dict[str, Any]) -> str:
        handoff = flows.return_to_marketing(
            actor=person(request),
            handoff_id=handoff_id,
            seen_as=_seen_as(request) or lifecycle.BEFORE_SALES,
            at=timezone.now(),
            **values,
        )
        return _("Returned %(name)s to nurturing: %(reason)s.") % {"name": handoff.contact, "reason": handoff.reason}

    return _act(request, handoff_id, form=ReturnForm, name="return_form", do=give_back)


@roles_required(Role.MANAGER)
@require_POST
def handoff_offer(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Offer a lead that waits for capacity to a person a manager names, whatever they hold."""

    def offer(values: dict[str, Any]) -> str:
        handoff = flows.offer(
            actor=person(request),
            handoff_id=handoff_id,
            assignee_email=values["assignee"],
            comment=values["comment"],
            at=timezone.now(),
        )
        return _("Offered %(name)s to %(assignee)s.") % {"name": handoff.contact, "assignee": handoff.assignee}

    return _act(
        request,
        handoff_id,
        form=OfferForm,
        name="offer_form",
        do=offer,
    )


@reviewers_only
@require_POST
def queue_disqualify(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Mark the contact of a lead as one that will not buy."""

    def disqualify(values: dict[str, Any]) -> str:
        user = person(request)
        seen_as = _seen_as(request) or lifecycle.BEFORE_SALES
        contact_id = _contact_of(handoff_id, user=user)
        contact = flows.disqualify(actor=user, contact_id=contact_id, seen_as=seen_as, at=timezone.now(), **values)
        return _disqualified(contact)

    return _act(
        request,
        handoff_id,
        form=DisqualifyForm,
        name="disqualify_form",
        do=disqualify,
    )


def _seen_as(request: HttpRequest) -> Collection[HandoffState]:
    """The state in which the page showed the lead; empty where it does not say so."""
    return [one for one in HandoffState if one == request.POST.get("seen_as")]


def _contact_of(handoff_id: int, *, user: User) -> int:
    """The id of the contact of a handoff. Raises `NotFound` where the user sees none."""
    found = Handoff.objects.visible_to(user).filter(id=handoff_id).values_list("contact_id", flat=True).first()
    if found is None:
        raise NotFound(_("There is no such handoff."))
    return found


def _act(
    request: HttpRequest,
    handoff_id: int,
    *,
    form: type[forms.Form],
    name: str,
    do: Callable[[dict[str, Any]], str],
) -> HttpResponse:
    """Do one thing with one lead and go on to the next row; refused input stays in its form, beside the list.

    `do` takes what was typed and returns the sentence that says what was done. A form on the contact page says so by
    `page=contact` and is led back there.
    """
    user, chosen = person(request), chosen_of(QueryDict(request.POST.get("back", "")))
    is_from_card = request.POST.get("page") == "contact"
    typed = form(request.POST, auto_id=f"{name}_%s")
    status: int = 422
    more: dict[str, Any] = {name: typed}
    if typed.is_valid():
        following = _following(user, handoff_id, chosen=chosen)
        try:
            text = do(typed.cleaned_data)
        except Invalid as refusal:
            typed.add_error(refusal.field if refusal.field in typed.fields else None, str(refusal))
        except Conflict as refusal:
            kept = typed.cleaned_data.get("comment", "")
            gone = queue_queries.gone(user=user, tab=chosen.tab, shown=[handoff_id], now=timezone.now())
            status, more = 409, more | {"conflict": str(refusal), "kept": kept, "gone": gone}
            if not is_from_card:
                counts = queue_queries.counts(user=user, now=timezone.now(), selling=sellers(at=timezone.now()))
                more |= head_context(counts, chosen=chosen)
        else:
            toasts.tell(request=request, text=text, undo_url=_undo_url([handoff_id], back=back_of(chosen)))
            if is_from_card:
                return HttpResponseRedirect(back_to(request), status=303)
            return _to_queue(back_of(chosen), focus=following)
    found = evidence_queries.evidence(user=user, handoff_id=handoff_id, now=timezone.now())
    if is_from_card:
        conflict = str(more.get("conflict", ""))
        return contact_page(request, found.contact.pk, refused={name: typed}, conflict=conflict, status=status)
    return panel_page(request, found, back=back_of(chosen), status=status, **more)


def _following(user: User, handoff_id: int, *, chosen: queue_queries.Chosen) -> int | None:
    """The row to look at next: the one below, at the end of the list the one above."""
    rows = queue_queries.chosen_handoffs(chosen, user=user, now=timezone.now())
    ids = list(rows.values_list("id", flat=True)[:500])
    if handoff_id not in ids:
        return None
    at = ids.index(handoff_id)
    return next(iter([*ids[at + 1 :], *reversed(ids[:at])]), None)


def _to_queue(back: str, *, focus: int | None = None) -> HttpResponse:
    query = "&".join(part for part in (back, f"focus={focus}" if focus else "") if part)
    return HttpResponseRedirect(f"{reverse('queue')}?{query}" if query else reverse("queue"), status=303)


def _undo_url(handoff_ids: Sequence[int], *, back: str) -> str:
    focus = f"focus={handoff_ids[0]}"
    following = f"{reverse('queue')}?{'&'.join(part for part in (back, focus) if part)}"
    if len(handoff_ids) == 1:
        return f"{reverse('handoff_undo', args=handoff_ids)}?{urlencode({'next': following})}"
    values = {"handoff": handoff_ids, "next": following}
    return f"{reverse('queue_undo')}?{urlencode(values, doseq=True)}"


def _approved(handoff: Handoff) -> str:
    if handoff.assignee is None:
        return _("Approved %(name)s. Nobody on duty has room; it is offered by itself as soon as somebody has.") % {
            "name": handoff.contact
        }
    return _("Approved %(name)s, offered to %(assignee)s.") % {"name": handoff.contact, "assignee": handoff.assignee}


def _disqualified(contact: Contact) -> str:
    return _("Disqualified %(name)s: %(reason)s.") % {"name": contact, "reason": contact.disqualified_reason}


@require_POST
def contact_disqualify(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Mark a contact as one that will not buy, from its own page: marketers, and whoever owns it."""
    form = DisqualifyForm(request.POST, auto_id="disqualify_form_%s")
    if not form.is_valid():
        return contact_page(request, contact_id, refused={"disqualify_form": form}, status=422)
    user = person(request)
    try:
        given = form.cleaned_data | {"seen_as": _seen_as(request), "at": timezone.now()}
        contact = flows.disqualify(actor=user, contact_id=contact_id, **given)
    except Conflict as refusal:
        return contact_page(request, contact_id, refused={"disqualify_form": form}, conflict=str(refusal), status=409)
    toasts.tell(request=request, text=_disqualified(contact), undo_url=reverse("contact_undo", args=[contact.pk]))
    return HttpResponseRedirect(back_to(request), status=303)


@require_POST
def contact_requalify(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Take the disqualified flag away; the score decides what follows."""
    try:
        contact = flows.requalify(actor=person(request), contact_id=contact_id, at=timezone.now())
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        text = _("%(name)s may buy again; the score decides what follows.") % {"name": contact}
        toasts.tell(request=request, text=text, undo_url=reverse("contact_undo", args=[contact.pk]))
    return HttpResponseRedirect(back_to(request), status=303)


# Several at once ------------------------------------------------------------------------------------------------------


@dataclass
class _Results:
    """What became of a selection."""

    done: list[Handoff]
    refused: list[tuple[str, str]]


@reviewers_only
@require_POST
def queue_bulk(request: HttpRequest) -> HttpResponse:
    """Approve the selected leads, for whom routing finds or for one person, return or disqualify them: each in a
    transaction of its own.
    """
    chosen = chosen_of(QueryDict(request.POST.get("back", "")))
    form = SelectionForm(request.POST)
    if not form.is_valid():
        return queue_page(request, chosen=chosen, selection=form, status=422)
    user, values = person(request), form.cleaned_data
    if values["verb"] in (form.RETURN, form.DISQUALIFY) and not user.is_marketer:
        raise Forbidden(_("Returning and disqualifying leads is for marketers."))
    act = partial(_bulk_act, user=user, values=values, tab=chosen.tab)
    # Where room is short the hottest get it; the others wait.
    results = _each(routing.hottest_first(values["handoff"]), user=user, act=act)
    if results.done:
        undo_url = _undo_url([handoff.pk for handoff in results.done], back=back_of(chosen))
        toasts.tell(request=request, text=_bulk_done(values["verb"], results.done), undo_url=undo_url)
    _warn_of(request, results)
    return _to_queue(back_of(chosen))


def _bulk_act(handoff_id: int, *, user: User, values: dict[str, Any], tab: Tab) -> Handoff:
    """Do with one lead of a tab what was asked for all. Raises `DomainError`."""
    seen_as = [HandoffState.WAITING if tab is Tab.WAITING else HandoffState.IN_REVIEW]
    given: dict[str, Any] = {"actor": user, "comment": values["comment"], "at": timezone.now()}
    match values["verb"]:
        case SelectionForm.RETURN:
            return flows.return_to_marketing(handoff_id=handoff_id, reason=values["reason"], seen_as=seen_as, **given)
        case SelectionForm.DISQUALIFY:
            contact_id, reason = _contact_of(handoff_id, user=user), values["disqualify_reason"]
            contact = flows.disqualify(contact_id=contact_id, reason=reason, seen_as=seen_as, **given)
            return Handoff(pk=handoff_id, contact=contact)
        case _:
            named = values["assignee"] if values["verb"] == SelectionForm.ASSIGN else None
            return flows.approve(handoff_id=handoff_id, assignee_email=named, **given)


def _each(handoff_ids: Sequence[int], *, user: User, act: Callable[[int], Handoff]) -> _Results:
    """Do `act` with each, whatever becomes of the others."""
    rows = Handoff.objects.visible_to(user).filter(id__in=handoff_ids).select_related("contact")
    names = {row.pk: row.contact.name for row in rows}
    results = _Results(done=[], refused=[])
    for handoff_id in handoff_ids:
        try:
            results.done.append(act(handoff_id))
        except DomainError as refusal:
            results.refused.append((names.get(handoff_id, f"#{handoff_id}"), str(refusal)))
    return results


def _bulk_done(verb: str, done: Sequence[Handoff]) -> str:
    count = len(done)
    if verb == SelectionForm.RETURN:
        text = ngettext("Returned %(count)d lead: %(reason)s.", "Returned %(count)d leads: %(reason)s.", count)
        return text % {"count": count, "reason": done[0].reason}
    if verb == SelectionForm.DISQUALIFY:
        text = ngettext("Disqualified %(count)d lead: %(reason)s.", "Disqualified %(count)d leads: %(reason)s.", count)
        return text % {"count": count, "reason": done[0].contact.disqualified_reason}
    who = told_counts([str(handoff.assignee or "") for handoff in done])
    return ngettext("Approved %(count)d lead: %(who)s.", "Approved %(count)d leads: %(who)s.", count) % {
        "count": count,
        "who": who,
    }


def _warn_of(request: HttpRequest, results: _Results) -> None:
    """Name those with which it could not be done, and why."""
    if not results.refused:
        return
    count = len(results.refused)
    text = ngettext("%(count)d was left as it is.", "%(count)d were left as they are.", count) % {"count": count}
    reasons = [why if why.startswith(name) else f"{name}: {why}" for name, why in results.refused]
    toasts.warn(request=request, text=" ".join([text, *reasons]))


# Taking back ----------------------------------------------------------------------------------------------------------


@require_POST
def handoff_undo(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Take back one's own last act on a handoff, within ten minutes."""
    try:
        since = toasts.undo_since(request)
        handoff = flows.undo(actor=person(request), handoff_id=handoff_id, since=since, at=timezone.now())
    except (Conflict, Forbidden) as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        toasts.tell(request=request, text=_("Taken back: %(name)s is as before.") % {"name": handoff.contact})
    return HttpResponseRedirect(back_to(request), status=303)


@reviewers_only
@require_POST
def queue_undo(request: HttpRequest) -> HttpResponse:
    """Take back what was done with several leads at once."""
    user = person(request)
    ids = [int(one) for one in request.GET.getlist("handoff") if one.isascii() and one.isdigit() and len(one) < 19]
    results = _each(
        ids,
        user=user,
        act=lambda handoff_id: flows.undo(
            actor=user, handoff_id=handoff_id, since=toasts.undo_since(request), at=timezone.now()
        ),
    )
    if results.done:
        count = len(results.done)
        text = ngettext("Taken back: %(count)d lead is as before.", "Taken back: %(count)d leads are as before.", count)
        toasts.tell(request=request, text=text % {"count": count})
    _warn_of(request, results)
    return HttpResponseRedirect(back_to(request), status=303)


def back_to(request: HttpRequest) -> str:
    """Where to go on: the page that `next` names or that one came from, if it is one of ours."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    came_from = urlsplit(request.headers.get("referer", ""))
    hosts = {request.get_host()}
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=hosts):
        return asked
    if came_from.netloc == request.get_host():
        return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
    return "/"
