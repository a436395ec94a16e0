"""Marketing's queue: the list of leads to review, and the evidence about each."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from crm.access import person, roles_required
from crm.models import FilteredPage, Role, User
from crm.queries import evidence as evidence_queries
from crm.queries import queue as queue_queries
from crm.queries import saved_filters, scores
from crm.queries.evidence import Evidence
from crm.queries.queue import Chosen, Due, Tab
from leads import routing
from leads.forms import ApproveForm, DisqualifyForm, OfferForm, ReturnForm, SelectionForm
from leads.models import Contact, Handoff, Source
from leads.selling import sellers

PAGE_SIZE = 50
TABS = (
    (Tab.REVIEW, gettext_lazy("To review")),
    (Tab.REJECTED, gettext_lazy("Rejected by sales")),
    (Tab.WAITING, gettext_lazy("Waiting for capacity")),
)
FORMS: dict[str, type[forms.Form]] = {
    "approve_form": ApproveForm,
    "offer_form": OfferForm,
    "return_form": ReturnForm,
    "disqualify_form": DisqualifyForm,
}
reviewers_only = roles_required(Role.MARKETER, Role.MANAGER)
readers_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


def chosen_of(given: QueryDict) -> Chosen:
    """Which rows an address asks for; what it does not understand it leaves out."""
    tab, due = given.get("tab", ""), given.get("due", "")
    return Chosen(
        tab=Tab(tab) if tab in set(Tab) else Tab.REVIEW,
        due=Due(due) if due in set(Due) else None,
        is_hot=given.get("hot", "") == "1",
        is_doubted=given.get("doubted", "") == "1",
        source=given.get("source", "")[:60],
        country=given.get("country", "")[:2].upper(),
        order=given.get("order", "due"),
    )


def back_of(chosen: Chosen) -> str:
    """The query string that leads back to the same rows; the defaults are left out."""
    values = {
        "tab": "" if chosen.tab is Tab.REVIEW else chosen.tab.value,
        "due": chosen.due.value if chosen.due else "",
        "hot": "1" if chosen.is_hot else "",
        "doubted": "1" if chosen.is_doubted else "",
        "source": chosen.source,
        "country": chosen.country,
        "order": "" if chosen.order == "due" else chosen.order,
    }
    return urlencode({name: value for name, value in values.items() if value})


@readers_only
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """The list with the evidence about one of its rows; to htmx only what changes.

    Without a filter in the address it opens with the one that the person has chosen for that, if any.
    """
    if not request.GET and not request.htmx:  # type: ignore[attr-defined]
        query = saved_filters.default_query(person(request), FilteredPage.QUEUE)
        if query:
            return HttpResponseRedirect(f"{reverse('queue')}?{query}")
    return queue_page(request, chosen=chosen_of(request.GET))


def queue_page(
    request: HttpRequest, *, chosen: Chosen, selection: SelectionForm | None = None, status: int = 200
) -> HttpResponse:
    """The queue as a page or fragment; `selection` is a bound form that was refused, shown with what was typed."""
    user, now = person(request), timezone.now()
    selling, rules = sellers(at=now), scores.rules_in_force()
    handoffs = queue_queries.for_listing(queue_queries.chosen_handoffs(chosen, user=user, now=now))
    page = Paginator(handoffs, PAGE_SIZE).get_page(request.GET.get("page"))
    listing = queue_queries.listing(list(page.object_list), now=now, rules=rules)
    focus = _focus(page, request.GET.get("focus", ""))
    found = None
    if focus:
        found = evidence_queries.evidence(user=user, handoff_id=focus, now=now, rules=rules, selling=selling)
    back = back_of(chosen)
    counts = queue_queries.counts(user=user, now=now, selling=selling)
    context = {
        "chosen": chosen,
        "back": back,
        "kept": saved_filters.kept(user, FilteredPage.QUEUE, query=back),
        "now": now,
        **head_context(counts, chosen=chosen),
        "page": page,
        "whole": counts.of(chosen.tab),
        "rows": listing.rows,
        "hours": listing.hours,
        "shown": ",".join(str(row.handoff_id) for row in listing.rows),
        "focus": focus,
        "can_act": user.is_marketer or user.is_manager,
        "selection": selection or SelectionForm(),
        "selected": set(request.POST.getlist("handoff")) if selection is not None else set(),
        **_filter_choices(user),
        **(panel_context(found, back=back) if found else {}),
    }
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "leads/queue/page.html", context, status=status)
    response = render(request, "leads/queue/body.html", context | {"is_fragment": True}, status=status)
    if request.method == "GET":
        response["HX-Replace-Url"] = request.get_full_path()
    return response


def head_context(counts: queue_queries.Counts, *, chosen: Chosen) -> dict[str, Any]:
    """What the head, the tabs and the menu say of the queue as a whole."""
    return {
        "counts": counts,
        "tabs": _tabs(chosen, counts),
        "late_href": _href(tab="", due="late"),
        "hour_href": _href(tab="", due="hour"),
    }


def _focus(page: Page, asked: str) -> int | None:
    """The row whose evidence is shown: the one asked for if it is on the page, else the first."""
    ids = [handoff.pk for handoff in page.object_list]
    if asked.isdigit() and int(asked) in ids:
        return int(asked)
    return ids[0] if ids else None


def _href(**values: str) -> str:
    text = urlencode({name: value for name, value in values.items() if value})
    return f"{reverse('queue')}?{text}" if text else reverse("queue")


def _tabs(chosen: Chosen, counts: queue_queries.Counts) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "href": _href(tab=tab.value),
            "count": counts.of(tab),
            "is_current": tab is chosen.tab,
        }
        for tab, label in TABS
    ]


def _filter_choices(user: User) -> dict[str, Any]:
    """What the filter offers: all channels, and the countries of those in the queue."""
    open_ones = Handoff.objects.visible_to(user).filter(state__in=("in_review", "waiting"))
    countries = Contact.objects.filter(handoffs__in=open_ones).exclude(country="").values_list("country", flat=True)
    return {"sources": Source.objects.all(), "countries": sorted(set(countries))}


@readers_only
@require_safe
def queue_panel(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """The evidence about one lead: to htmx the panel beside the list, else a page of its own."""
    found = evidence_queries.evidence(user=person(request), handoff_id=handoff_id, now=timezone.now())
    return panel_page(request, found, back=back_of(chosen_of(request.GET)))


def panel_page(request: HttpRequest, found: Evidence, *, back: str, status: int = 200, **more: Any) -> HttpResponse:
    """The evidence as a fragment or page. `more`: bound forms that were refused, the notice of a conflict."""
    context = panel_context(found, back=back, **more)
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "leads/queue/panel_page.html", context, status=status)
    response = render(request, "leads/queue/panel.html", context | {"is_beside": True}, status=status)
    if status != 200:
        # The form asked for the whole queue anew; what was refused belongs beside it.
        response["HX-Retarget"], response["HX-Reswap"] = "#panel", "innerHTML show:none"
    return response


def panel_context(found: Evidence, *, back: str, **more: Any) -> dict[str, Any]:
    """What the panel's template reads."""
    fresh = {name: form(auto_id=f"{name}_%s") for name, form in FORMS.items()}
    # A form that was refused stands open, so that what was typed is in sight.
    opened = {f"is_{name}_open": True for name in more if name in FORMS}
    here = f"{reverse('queue')}?{back}" if back else reverse("queue")
    return {"lead": found, "back": back, "queue_here": here, **fresh, **opened, **more}


@readers_only
@require_safe
def queue_news(request: HttpRequest) -> HttpResponse:
    """What has changed since the list was made: how many rows are new, and who dealt with which of those shown."""
    user, now, chosen = person(request), timezone.now(), chosen_of(request.GET)
    shown = ids_of(request.GET.get("shown", ""))
    since = parse_datetime(request.GET.get("since", "")) if request.GET.get("since") else None
    if since is None or timezone.is_naive(since):
        since = now
    gone = queue_queries.gone(user=user, tab=chosen.tab, shown=shown, now=now)
    left = {one.handoff_id for one in gone}
    context = {
        "new": queue_queries.new_since(chosen, user=user, shown=shown, since=since, now=now),
        "gone": gone,
        "shown": ",".join(str(one) for one in shown if one not in left),
        "since": since,
        "back": back_of(chosen),
    }
    return render(request, "leads/queue/news.html", context)


def ids_of(text: str) -> list[int]:
    """Ids as "1,2,3" in an address; what is none is left out."""
    return [int(one) for one in text.split(",")[:PAGE_SIZE] if one.isascii() and one.isdigit() and len(one) < 19]


@readers_only
@require_safe
def queue_preview(request: HttpRequest) -> HttpResponse:
    """Who would get the selected leads if they were approved now, as a line of text."""
    ids = ids_of(",".join(request.GET.getlist("handoff")))
    chosen = Handoff.objects.visible_to(person(request)).filter(id__in=ids, state="in_review")
    handoffs = {handoff.pk: handoff for handoff in chosen.select_related("contact__company", "contact__source")}
    in_order = [handoffs[one] for one in routing.hottest_first(handoffs)]
    choices = routing.preview(in_order, at=timezone.now())
    names = [str(one.assignee) if one else "" for one in choices]
    return HttpResponse(told_counts(_short(names)), content_type="text/plain")


def _short(names: list[str]) -> list[str]:
    """First names, where they tell people apart."""
    first = {name: name.split(" ")[0] for name in names}
    shared = [short for short in first.values() if list(first.values()).count(short) > 1]
    return [name if first[name] in shared else first[name] for name in names]


def told_counts(names: list[str]) -> str:
    """Who gets how many: "Maja Kovač 2, Mikko Lahtinen 1, waiting for capacity 1"; an empty name waits."""
    counted = {
        name: names.count(name) for name in sorted(set(names), key=lambda one: (not one, -names.count(one), one))
    }
    return ", ".join(f"{name or _('waiting for capacity')} {count}" for name, count in counted.items())


@readers_only
@require_safe
def queue_room(request: HttpRequest) -> HttpResponse:
    """Who of sales can take how many more: the rows behind the number at the head of the queue."""
    found = sellers(at=timezone.now())
    context = {"sellers": found, "room": sum(one.can_take for one in found)}
    return render(request, "leads/queue/room.html", context)
