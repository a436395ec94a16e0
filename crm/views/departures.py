"""The guided hand-over of what somebody holds who leaves, sells no longer, or is away."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm import toasts
from crm.access import person
from crm.errors import Conflict, Forbidden, Invalid
from crm.flows import departures as flows
from crm.flows import people
from crm.flows.ways_out import absence_of
from crm.forms_departures import HandOverForm
from crm.models import Departure, User
from crm.queries import holdings as queries
from crm.queries import kept
from crm.queries.holdings import FOR_GOOD, Decisions, Settled
from crm.queries.kept import Due
from leads.selling import sellers


@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest, person_id: int) -> HttpResponse:
    """What a person holds, who gets it, and the one button that does it all."""
    user, now = person(request), timezone.now()
    found = User.objects.select_related("deputy").filter(id=person_id).first()
    kind = request.GET.get("why", Departure.Kind.LEAVE)
    if found is None or kind not in Departure.Kind.values or not (found == user or user.is_manager or user.is_admin):
        raise Http404
    if not flows.may_see_to(user, found, kind=kind):
        raise Forbidden(_("Administrators let people go; managers may set them off duty or away."))
    if request.POST.get("act") == "back":
        people.set_absence(actor=user, person_id=person_id, days=None, at=now)
        text = _("%(name)s is back. What was handed over does not come back by itself.") % {"name": found}
        toasts.tell(request=request, text=text)
        return HttpResponseRedirect(_home(user, found), status=303)
    form = _form(request, found, kind=kind, user=user)
    if form.is_bound and form.is_valid() and request.POST.get("act") != "preview":
        try:
            made = flows.depart(
                actor=user,
                person_id=person_id,
                kind=kind,
                decisions=form.decisions(),
                seen=form.cleaned_data["seen"],
                absence=form.absence(),
                at=now,
            )
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        except Conflict as refusal:
            toasts.warn(request=request, text=str(refusal))
            return HttpResponseRedirect(request.get_full_path(), status=303)
        else:
            toasts.tell(request=request, text=_said(made))
            return HttpResponseRedirect(_home(user, found), status=303)
    return _page(request, form, found=found, kind=kind, now=now)


def _form(request: HttpRequest, found: User, *, kind: str, user: User) -> HandOverForm:
    held = queries.holdings(found, kind=kind, user=user)
    selling = [one for one in sellers(at=timezone.now()) if one.person.pk != found.pk and not one.is_refused]
    colleagues = (
        list(found.possible_deputies()) if any(group not in queries.OF_SELLERS for group, _items in held.groups) else []
    )
    data = request.POST if request.method == "POST" else None
    initial: dict[str, Any] = {"seen": held.fingerprint}
    # The days that somebody was about to save, else those that are known.
    if days := found.days_away(timezone.now()):
        initial |= {"away_from": days[0], "away_until": days[1]}
    initial |= {name: day for name in ("away_from", "away_until") if (day := _day(request.GET.get(name, "")))}
    return HandOverForm(data, held=held, selling=selling, colleagues=colleagues, initial=initial)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _page(request: HttpRequest, form: HandOverForm, *, found: User, kind: str, now: dt.datetime) -> HttpResponse:
    settled: list[Settled] = []
    if not form.is_bound or form.is_valid() or form.cleaned_data:
        try:
            settled = queries.settle(form.held, form.decisions() if form.is_bound else Decisions(), at=now)
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    context = {
        "form": form,
        "found": found,
        "kind": Departure.Kind(kind),
        "is_for_good": kind in FOR_GOOD,
        "shares": queries.shares(settled),
        "kept_count": sum(one.is_kept for one in settled),
        "due": _due(form, settled, found=found, kind=kind, now=now),
        "undecided_count": sum(one.is_undecided for one in settled),
        "unowned_count": sum(one.is_unowned for one in settled),
        "waiting": [one for one in settled if one.is_waiting],
        "ending_count": sum(one.is_cancelled for one in settled),
        "stuck": [one for one in settled if one.is_stuck],
        "is_known_away": kind == Departure.Kind.AWAY and found.days_away(now) is not None,
        "home": _home(person(request), found),
    }
    is_preview = request.htmx and request.POST.get("act") == "preview"  # type: ignore[attr-defined]
    template = "people/hand_over_shares.html" if is_preview else "people/hand_over.html"
    return render(request, template, context, status=422 if form.errors and not is_preview else 200)


def _due(form: HandOverForm, settled: list[Settled], *, found: User, kind: str, now: dt.datetime) -> list[Due]:
    """What of the things that stay falls due while they are away, by the days as they stand on the page."""
    first, last = form.initial.get("away_from"), form.initial.get("away_until")
    if form.is_bound:
        first, last = form.absence() or (None, None)
    first_at = end_at = None
    if first and last:
        try:
            first_at, end_at = absence_of(found, first=first, last=last, at=now)
        except Invalid as refusal:
            if form.is_bound:
                form.add_error(refusal.field, str(refusal))
    since, until = kept.while_away(kind, first_at, end_at, at=now)
    return kept.falling_due(settled, person=found, since=since, until=until)


def _said(made: Departure) -> str:
    words = {
        Departure.Kind.LEAVE: _("%(name)s is not active any more."),
        Departure.Kind.STOP: _("%(name)s sells no longer."),
        Departure.Kind.OFF_DUTY: _("%(name)s is off duty."),
        Departure.Kind.AWAY: _("%(name)s is out of office."),
    }
    said = words[Departure.Kind(made.kind)] % {"name": made.person}
    names = {row["to"] for row in made.moved if row["to"]}
    if not made.moved:
        return said
    moved = _("Handed over: %(count)d, to %(people)d people.") % {"count": len(made.moved), "people": len(names)}
    return f"{said} {moved}"


def _home(user: User, found: User) -> str:
    """Where one came from: the list of people, what nobody notices, or one's own settings."""
    if user.is_admin:
        return reverse("people")
    return reverse("my_settings") if user == found else reverse("unnoticed")
