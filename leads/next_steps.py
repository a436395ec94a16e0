"""The only writer of tasks: planned, changed, done, canceled, handed on, taken back; each with its row of history.

The caller holds the lock of the contact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from crm.errors import Invalid
from leads.intake import AnyActivity
from leads.models import HandoffEvent, Task, TaskEvent
from leads.models.tasks import REACHING, TaskKind, TaskQuerySet, TaskVerb

if TYPE_CHECKING:
    from crm.models import User

KEPT = ("owner_id", "kind", "what", "due_at", "has_time", "minutes", "done_at", "cancelled_at", "end_reason")
"""What a change may replace, and an undo puts back."""
IN_CALENDARS = ("kind", "what", "due_at", "has_time", "minutes", "cancelled_at")
"""Of these a calendar that took the task over should hear."""
MEETING_AHEAD = dt.timedelta(days=1)
"""A logged meeting keeps one that was planned for up to this much later."""


def add(
    *,
    contact_id: int,
    owner_id: int,
    due_at: dt.datetime,
    kind: str = TaskKind.CALL,
    what: str = "",
    has_time: bool = False,
    minutes: int = 30,
    actor: User | None,
    at: dt.datetime,
    cause: HandoffEvent | None = None,
) -> Task:
    """Plan something. Raises `Invalid` for a kind that is none and for a duration beyond a day."""
    task = Task(
        contact_id=contact_id,
        owner_id=owner_id,
        kind=kind,
        what=what.strip(),
        due_at=due_at,
        has_time=has_time,
        minutes=minutes,
        created_at=at,
        created_by=actor,
    )
    _check(task)
    task.save()
    TaskEvent.objects.create(task=task, verb=TaskVerb.ADD, at=at, actor=actor, cause=cause)
    return task


def change(
    task: Task,
    verb: TaskVerb,
    values: Mapping[str, Any],
    *,
    actor: User | None,
    at: dt.datetime,
    cause: HandoffEvent | None = None,
) -> None:
    """Set columns of a locked task, keeping what they were. What changes nothing leaves no trace."""
    before = {name: _plain(getattr(task, name)) for name in KEPT}
    for name, value in values.items():
        setattr(task, name, value)
    if before == {name: _plain(getattr(task, name)) for name in KEPT}:
        return
    _check(task)
    task.sequence += any(name in values for name in IN_CALENDARS)
    task.save()
    TaskEvent.objects.create(task=task, verb=verb, at=at, actor=actor, before=before, cause=cause)


def _check(task: Task) -> None:
    if task.kind not in TaskKind.values:
        raise Invalid(_("Choose one of: %(kinds)s.") % {"kinds": ", ".join(TaskKind.values)}, field="kind")
    if len(task.what) > 200:
        raise Invalid(_("Say it in 200 characters or fewer."), field="what")
    if not 1 <= task.minutes <= 1440:
        raise Invalid(_("It takes between one minute and a day."), field="minutes")


def put_back(task: Task, event: TaskEvent, *, actor: User | None, at: dt.datetime) -> None:
    """Undo `event` of a locked task: one that it planned is canceled, of another what it replaced comes back."""
    if event.before is None:
        task.cancelled_at = at
    for name, value in (event.before or {}).items():
        setattr(task, name, dt.datetime.fromisoformat(value) if name.endswith("_at") and value else value)
    task.sequence += 1
    task.save()
    event.undone_at = at
    event.save(update_fields=["undone_at"])
    TaskEvent.objects.create(task=task, verb=TaskVerb.UNDO, at=at, actor=actor)


# With a handoff -------------------------------------------------------------------------------------------------------


def end_with(event: HandoffEvent, *, contact_id: int, owner_id: int | None, why: str) -> None:
    """What its owner planned for a contact that they gave away is not to be done any more."""
    values = {"cancelled_at": event.at, "end_reason": why[:200]}
    for task in locked(Task.objects.filter(contact_id=contact_id, owner_id=owner_id)):
        change(task, TaskVerb.CANCEL, values, actor=event.actor, at=event.at, cause=event)


def hand_on(
    tasks: Iterable[Task], *, to_id: int, actor: User | None, at: dt.datetime, cause: HandoffEvent | None = None
) -> None:
    """Locked, open tasks become somebody else's."""
    for task in tasks:
        change(task, TaskVerb.HAND_ON, {"owner_id": to_id}, actor=actor, at=at, cause=cause)


def follow(event: HandoffEvent, *, contact_id: int, loser_id: int | None, to_id: int) -> None:
    """What was planned for a contact follows it to its new owner."""
    tasks = locked(Task.objects.filter(contact_id=contact_id, owner_id=loser_id))
    hand_on(tasks, to_id=to_id, actor=event.actor, at=event.at, cause=event)


def restore(event: HandoffEvent, *, actor: User | None, at: dt.datetime) -> None:
    """Take back what a verb did to tasks, but for those that somebody changed since."""
    for done in event.task_events.filter(undone_at=None).select_related("task"):
        if not done.task.events.filter(pk__gt=done.pk).exists():
            put_back(done.task, done, actor=actor, at=at)


def locked(tasks: TaskQuerySet) -> list[Task]:
    """The open ones among these, locked, the earliest first."""
    return list(tasks.open().select_for_update(of=("self",), no_key=True).order_by("due_at", "id"))


# With an activity -----------------------------------------------------------------------------------------------------


def note_activities(
    rows: Sequence[AnyActivity], *, owners: Mapping[int, int | None], actor: User, at: dt.datetime
) -> None:
    """What a person did keeps the next step of a contact, and what they mean to do is the new one.

    `rows` are outbound activities of `actor` on locked contacts, with their `type`; `owners` says by contact who owns
    it. An attempt does the earliest call or e-mail that was planned before it; a meeting does the meeting that was
    planned for it. `next_at` among the properties plans the next step; one that is open already moves there.
    """
    concerned = [row for row in rows if row.type.is_contact_attempt or planned_in(row.properties)]
    if not concerned:
        return
    open_by_contact: dict[int, list[Task]] = {row.contact_id: [] for row in concerned}
    for task in locked(Task.objects.filter(contact_id__in=open_by_contact)):
        open_by_contact[task.contact_id].append(task)
    for row in sorted(concerned, key=lambda row: (row.occurred_at, row.pk)):
        tasks, owner_id = open_by_contact[row.contact_id], owners.get(row.contact_id)
        mine = [task for task in tasks if task.is_open and task.owner_id in (owner_id, actor.pk)]
        happened_at = min(row.occurred_at, row.recorded_at)
        kept = _kept_by(row, mine, happened_at=happened_at) if row.type.is_contact_attempt else None
        if kept is not None:
            change(kept, TaskVerb.FINISH, {"done_at": happened_at}, actor=actor, at=at)
        planned_at = planned_in(row.properties)
        if planned_at is not None and planned_at > row.recorded_at:
            tasks += _plan(row, mine, planned_at=planned_at, owner_id=owner_id, actor=actor, at=at)


def _kept_by(row: AnyActivity, tasks: Sequence[Task], *, happened_at: dt.datetime) -> Task | None:
    """The task that an attempt did; None when it did none of them."""
    planned_before = [task for task in tasks if task.created_at <= happened_at]
    if row.type_id == TaskKind.MEETING:
        for task in planned_before:
            if task.kind == TaskKind.MEETING and task.due_at <= happened_at + MEETING_AHEAD:
                return task
    return next((task for task in planned_before if task.kind in REACHING), None)


def _plan(
    row: AnyActivity,
    mine: Sequence[Task],
    *,
    planned_at: dt.datetime,
    owner_id: int | None,
    actor: User,
    at: dt.datetime,
) -> list[Task]:
    """Plan the next step as said with an activity; return it if it is new."""
    what = str(row.properties.get("next_step", "")).strip()[:200]
    values: dict[str, Any] = {"due_at": planned_at, "has_time": bool(row.properties.get("next_has_time"))}
    if what:
        values["what"] = what
    to_id = owner_id if owner_id is not None and actor.is_manager else actor.pk
    standing = next((task for task in mine if task.is_open and task.owner_id == to_id and task.kind in REACHING), None)
    if standing is not None:
        change(standing, TaskVerb.CHANGE, values, actor=actor, at=at)
        return []
    kind = TaskKind.EMAIL if row.type_id == TaskKind.EMAIL else TaskKind.CALL
    return [add(contact_id=row.contact_id, owner_id=to_id, kind=kind, actor=actor, at=at, **values)]


def planned_in(properties: Mapping[str, Any]) -> dt.datetime | None:
    """The instant that was planned with an act of ours; None when there is none."""
    written = properties.get("next_at")
    if not isinstance(written, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(written)
    except ValueError:
        # Properties are free: an integration may have put anything under this name.
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value
