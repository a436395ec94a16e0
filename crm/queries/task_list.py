"""Tasks as a list: a person's own, or for managers everybody's, by whether they are late, of today or of later days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import django_filters as filters
from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Q, QuerySet, TextChoices, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.faces import Tab
from crm.flows.tasks import may_change
from crm.models import User
from crm.queries.going_cold import end_of_day, start_of_day
from crm.queries.tasks import Todo
from leads.filters import TaskFilter
from leads.models import Task
from leads.models.tasks import IS_OPEN

PAGE_SIZE = 50


class Due(TextChoices):
    """Where a task stands; one that is to be done some time on a day is late when that day is over."""

    OVERDUE = "overdue", gettext_lazy("Overdue")
    TODAY = "today", gettext_lazy("Today")
    LATER = "later", gettext_lazy("Later")
    DONE = "done", gettext_lazy("Done")


def _standing(now: dt.datetime) -> Mapping[Due, Q]:
    """Which tasks stand where at `now`; every task that was not canceled stands in one place."""
    tomorrow = end_of_day(now)
    is_late = Q(due_at__lt=start_of_day(timezone.localtime(now).date())) | Q(has_time=True, due_at__lt=now)
    return {
        Due.OVERDUE: IS_OPEN & is_late,
        Due.TODAY: IS_OPEN & ~is_late & Q(due_at__lt=tomorrow),
        Due.LATER: IS_OPEN & Q(due_at__gte=tomorrow),
        Due.DONE: Q(done_at__isnull=False),
    }


class TaskListFilter(TaskFilter):
    """Tasks as the page asks for them; `due` is a `Due`, and without one all that is open is meant."""

    due = filters.ChoiceFilter(choices=Due.choices, method="same", label=gettext_lazy("Due"))

    class Meta:
        model = Task
        fields: tuple[str, ...] = ()

    def same(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        """Nothing by itself: where a task stands is a question of the hour."""
        return rows


@dataclass(frozen=True)
class Group:
    """The tasks of a page that stand in one place."""

    title: str
    todos: tuple[Todo, ...]


@dataclass(frozen=True)
class TaskList:
    """The page."""

    groups: tuple[Group, ...]
    page: Page
    tabs: tuple[Tab, ...]
    open_count: int
    overdue_count: int
    people: tuple[User, ...]
    """Whose tasks the reader may look at; empty where only their own are theirs to see."""
    owner: str
    kind: str
    is_done: bool

    @property
    def is_narrowed(self) -> bool:
        return bool(self.owner or self.kind)


def list_of(user: User, *, given: Mapping[str, str], now: dt.datetime) -> TaskList:
    """The tasks of `user`, narrowed by `given`, in the order in which they fall due, the latest done first.

    A constant number of queries however many there are.
    """
    chosen = TaskListFilter(given, queryset=_rows(user))
    rows, asked = chosen.qs, chosen.form.cleaned_data
    due, standing = asked.get("due") or "", _standing(now)
    counts = rows.order_by().aggregate(**{place.value: Count("pk", filter=where) for place, where in standing.items()})
    shown = rows.filter(standing[Due(due)] if due else IS_OPEN)
    shown = shown.annotate(
        place=Case(*(When(where, then=Value(place.value)) for place, where in standing.items()), default=Value(""))
    )
    order = ("-done_at", "-id") if due == Due.DONE else ("due_at", "id")
    page = Paginator(shown.select_related("contact__company", "owner").order_by(*order), PAGE_SIZE).get_page(
        given.get("page")
    )
    open_count = sum(counts[place] for place in Due if place != Due.DONE)
    narrowed = {name: given[name] for name in ("owner", "kind") if given.get(name)}
    return TaskList(
        groups=_groups(list(page.object_list), user=user),
        page=page,
        tabs=_tabs(counts | {"": open_count}, current=due, narrowed=narrowed),
        open_count=open_count,
        overdue_count=counts[Due.OVERDUE],
        people=_people(user),
        owner=asked.get("owner") or "",
        kind=asked.get("kind") or "",
        is_done=due == Due.DONE,
    )


def own_tabs(user: User, *, now: dt.datetime) -> tuple[Tab, ...]:
    """How many open tasks of `user`'s own stand where, each with the list of them: one query."""
    rows = Task.objects.visible_to(user).filter(owner=user).order_by()
    counts = rows.aggregate(**{place.value: Count("pk", filter=where) for place, where in _standing(now).items()})
    narrowed = {"owner": user.email} if _sees_everybodys(user) else {}
    return tuple(
        tab for tab in _tabs(counts | {"": 0}, current="-", narrowed=narrowed)[1:] if tab.label != Due.DONE.label
    )


def _rows(user: User) -> QuerySet[Task]:
    rows = Task.objects.visible_to(user)
    return rows if _sees_everybodys(user) else rows.filter(owner=user)


def _sees_everybodys(user: User) -> bool:
    return user.is_manager or user.is_admin


def _people(user: User) -> tuple[User, ...]:
    if not _sees_everybodys(user):
        return ()
    owners = Task.objects.visible_to(user).open().order_by().values("owner")
    return tuple(User.objects.filter(pk__in=owners).order_by("name", "id"))


def _groups(rows: Sequence[Any], *, user: User) -> tuple[Group, ...]:
    def todo(task: Any) -> Todo:
        return Todo(
            task,
            can_change=task.is_open and may_change(user, task),
            is_overdue=task.place == Due.OVERDUE,
            is_theirs=task.owner_id == user.pk,
        )

    # One of ten o'clock is late before one of some time today that is sorted ahead of it: places stand together.
    ordered = sorted(rows, key=lambda task: Due.values.index(task.place))
    return tuple(
        Group(str(Due(place).label), tuple(todo(task) for task in found))
        for place, found in groupby(ordered, key=lambda task: task.place)
    )


def _tabs(counts: Mapping[str, int], *, current: str, narrowed: Mapping[str, str]) -> tuple[Tab, ...]:
    places = [("", _("To do")), *((place.value, str(place.label)) for place in Due)]
    found = []
    for place, label in places:
        asked = ({"due": place} if place else {}) | dict(narrowed)
        href = reverse("tasks") + (f"?{urlencode(asked)}" if asked else "")
        found.append(Tab(label, href, counts[place], current == place))
    return tuple(found)
