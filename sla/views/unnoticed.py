"""What nobody would notice, each row with the act that resolves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import DomainError
from crm.flows import people as people_flows
from crm.flows import unnoticed as flows
from crm.models import Role, User
from crm.queries import unnoticed as queries
from crm.queries.unnoticed import Kind
from leads.models import Handoff
from sla.forms_unnoticed import Act, ActForm

PAGE_SIZE = 50
EMPTY = {
    Kind.NOBODY: (
        gettext_lazy("Every lead that was passed on has somebody."),
        gettext_lazy("Here stand leads that wait for capacity, and those that a team was offered and nobody took."),
    ),
    Kind.AWAY: (
        gettext_lazy("Everybody who holds a lead is on duty."),
        gettext_lazy("When somebody goes off duty or leaves, their leads appear here, to be given to others."),
    ),
    Kind.WAITING: (
        gettext_lazy("No lead waits beyond what was promised."),
        gettext_lazy("A lead appears here once its review, answer or first contact is past due."),
    ),
    Kind.NO_STEP: (
        gettext_lazy("Every lead in work has a next step."),
        gettext_lazy("One that was contacted, and has no day on which somebody gets in touch again, appears here."),
    ),
    Kind.UNOWNED: (
        gettext_lazy("Every customer is somebody’s."),
        gettext_lazy("One whose owner left, and whom nobody took over, appears here until somebody owns them."),
    ),
    Kind.IDLE: (
        gettext_lazy("Everybody on duty in sales holds a lead."),
        gettext_lazy("Whoever holds none appears here, with the lead that waits longest."),
    ),
}
"""What is said where a list is empty: how good that is, and when something would stand there."""
overseers_only = roles_required(Role.MANAGER, Role.ADMIN)


@overseers_only
@require_safe
def unnoticed_page(request: HttpRequest) -> HttpResponse:
    """The leads of one kind, or the people without leads."""
    return _page(request, kind=_kind(request.GET.get("kind")))


def _kind(asked: str | None) -> Kind | None:
    return Kind(asked) if asked in Kind.values else None


def _page(request: HttpRequest, *, kind: Kind | None, form: ActForm | None = None) -> HttpResponse:
    user, now = person(request), timezone.now()
    unowned = queries.unowned(user=user)
    counts = queries.counts(user=user, now=now) | {Kind.UNOWNED: unowned.count()}
    shown = kind or next((one for one in Kind if counts[one]), Kind.NOBODY)
    is_of_leads = shown in queries.OF_LEADS
    source: Any = unowned if shown is Kind.UNOWNED else queries.idle()
    if is_of_leads:
        source = queries.leads(shown, user=user, now=now)
    page = Paginator(source, PAGE_SIZE).get_page(request.GET.get("page"))
    listed = queries.rows_of(list(page.object_list), now=now) if is_of_leads else None
    context = {
        "kind": shown,
        "tabs": [
            {
                "label": one.label,
                "href": f"{reverse('unnoticed')}?kind={one.value}",
                "count": counts[one],
                "is_current": one is shown,
            }
            for one in Kind
        ],
        "total": sum(counts.values()),
        "lead_count": sum(counts[one] for one in queries.OF_LEADS),
        "idle_count": counts[Kind.IDLE],
        "page": page,
        "rows": listed.rows if listed else (),
        "hours": listed.hours if listed else (),
        "idle": page.object_list if shown is Kind.IDLE else (),
        "customers": page.object_list if shown is Kind.UNOWNED else (),
        "unowned_count": counts[Kind.UNOWNED],
        "next_waiting": None if shown is not Kind.IDLE else queries.next_waiting(user=user),
        "sellers": queries.sellers(now=now),
        "empty": EMPTY[shown],
        "form": form,
        "selected": form.cleaned_data.get("handoff", ()) if form else (),
        "is_plan": shown is Kind.NO_STEP,
        "can_act": user.is_manager,
        "address": f"{reverse('unnoticed')}?kind={shown.value}&page={page.number}",
        "now": now,
    }
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    template = "sla/unnoticed/body.html" if is_fragment else "sla/unnoticed/page.html"
    return render(request, template, context | {"is_fragment": is_fragment}, status=422 if form else 200)


@overseers_only
@require_POST
def unnoticed_act(request: HttpRequest) -> HttpResponse:
    """Do one thing with the chosen rows, each in a transaction of its own, and say what came of it."""
    user, now = person(request), timezone.now()
    form = ActForm(request.POST, now=now)
    if not form.is_valid():
        return _page(request, kind=_kind(request.POST.get("kind")), form=form)
    results = _do(user, form)
    if results.done:
        toasts.tell(request=request, text=results.said)
    if results.refused:
        toasts.warn(request=request, text=" ".join(results.refused))
    return HttpResponseRedirect(f"{reverse('unnoticed')}?kind={form.cleaned_data['kind']}", status=303)


@dataclass
class _Results:
    """What was done, in words, and why the rest was not."""

    said: str = ""
    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def each(self, user: User, handoff_ids: list[int], act: Callable[[int], str]) -> None:
        """Do `act`, which says of whom it was, with each lead, whatever becomes of the others."""
        names = dict(Handoff.objects.visible_to(user).filter(id__in=handoff_ids).values_list("id", "contact__email"))
        for handoff_id in handoff_ids:
            try:
                self.done.append(act(handoff_id))
            except DomainError as refusal:
                name = names.get(handoff_id) or f"#{handoff_id}"
                self.refused.append(f"{name}: {refusal}")


def _do(user: User, form: ActForm) -> _Results:
    asked, now, results = form.cleaned_data, timezone.now(), _Results()
    if asked["act"] == Act.DUTY:
        found = people_flows.set_duty(actor=user, person_id=asked["person"], is_on_duty=True, at=now)
        results.done, results.said = [str(found)], _("%(name)s is on duty again.") % {"name": found}
    elif asked["act"] == Act.OWN:
        try:
            owned = flows.own(actor=user, contact_id=asked["contact"], owner_email=asked["assignee"], at=now)
        except DomainError as refusal:
            results.refused.append(str(refusal))
        else:
            results.done = [str(owned)]
            results.said = _("%(contact)s is %(owner)s’s now.") % {"contact": owned, "owner": owned.owner}
    elif asked["act"] == Act.PLAN:

        def plan(handoff_id: int) -> str:
            flows.plan_next_step(actor=user, handoff_id=handoff_id, next_at=form.next_at(), at=now)
            return str(handoff_id)

        results.each(user, asked["handoff"], plan)
        count = len(results.done)
        text = ngettext("Planned the next step of %(n)d lead.", "Planned the next step of %(n)d leads.", count)
        results.said = text % {"n": count}
    else:
        ids, email = _whom_to_give(user, form)

        def give(handoff_id: int) -> str:
            given = flows.give(actor=user, handoff_id=handoff_id, assignee_email=email or None, at=now)
            return _("%(lead)s to %(who)s") % {"lead": given.contact, "who": given.assignee or _("whoever has room")}

        results.each(user, ids, give)
        results.said = _("Given: %(what)s.") % {"what": ", ".join(results.done)}
        if not ids:
            results.refused.append(_("No lead waits for sales any more."))
    return results


def _whom_to_give(user: User, form: ActForm) -> tuple[list[int], str]:
    """The leads to be given, and the address of who gets them: to a person without any, the one that waits longest."""
    asked = form.cleaned_data
    if asked["act"] == Act.GIVE:
        return asked["handoff"], asked["assignee"]
    waiting = queries.next_waiting(user=user)
    who = queries.idle().filter(pk=asked["person"]).first()
    return ([waiting.pk], who.email) if waiting and who else ([], "")
