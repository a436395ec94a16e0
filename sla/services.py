"""Keeping promises: choosing policies, starting, meeting, moving and sweeping clocks."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from crm import notices
from crm.errors import Conflict, Invalid
from crm.models import Role
from leads import facts
from leads.conditions import all_match, parse_conditions
from leads.models import Handoff
from sla import clock
from sla.models import Calendar, Milestone, Pause, Policy, Timer

if TYPE_CHECKING:
    from crm.models import User

# The ladder of a policy that names no steps of its own.
STANDARD_STEPS: list[dict[str, Any]] = [
    {"at_percent": 75, "kind": "warn", "to": "owner"},
    {"at_percent": 100, "kind": "breach", "to": "owner"},
    {"at_percent": 100, "kind": "escalate", "to": "manager"},
]
STEP_KINDS = ("warn", "breach", "escalate")
STEP_RECIPIENTS = ("owner", "manager")
WARN_SHARE = 0.75
MAX_PAUSE = dt.timedelta(days=366)  # far below how far the clock looks ahead for a due time
OFFER_CLOCKS = (Milestone.ANSWER, Milestone.CONTACT)

PauseSpan = tuple[dt.datetime, dt.datetime]


# Policies -------------------------------------------------------------------------------------------------------------


def parse_steps(steps: Any) -> list[dict[str, Any]]:
    """Check a ladder and put it in order; an empty one is the standard ladder.

    A step is `{"kind": warn|breach|escalate, "to": owner|manager}` with either `at_percent` (of the target, 1–100)
    or `after_seconds` (of working time past due). Raises `Invalid` with a sentence.
    """
    if not steps:
        return [dict(step) for step in STANDARD_STEPS]
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Invalid(_("Steps are a list of objects."), field="steps")
    for number, step in enumerate(steps, start=1):
        where = {"number": number}
        if step.get("kind") not in STEP_KINDS:
            raise Invalid(_("Step %(number)d: kind is one of warn, breach, escalate.") % where, field="steps")
        if step.get("to") not in STEP_RECIPIENTS:
            raise Invalid(_("Step %(number)d: to is owner or manager.") % where, field="steps")
        if not _is_at_percent(step) and not _is_after_seconds(step):
            raise Invalid(
                _("Step %(number)d: give at_percent from 1 to 100, or after_seconds from 0.") % where, field="steps"
            )
    return sorted(steps, key=lambda step: (step.get("at_percent", 100), step.get("after_seconds", 0)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_at_percent(step: dict[str, Any]) -> bool:
    value: Any = step.get("at_percent")
    return "after_seconds" not in step and _is_number(value) and 0 < value <= 100


def _is_after_seconds(step: dict[str, Any]) -> bool:
    value: Any = step.get("after_seconds")
    return "at_percent" not in step and _is_number(value) and 0 <= value <= 10 * 365 * 86400


def policy_chooser(milestone: Milestone) -> Callable[[Handoff], Policy]:
    """A function that says which policy a handoff gets: the first active one whose conditions match.

    Two queries once, none a handoff. It raises `Conflict` when no policy matches: then there would be no clock.
    """
    policies = [
        (policy, parse_conditions(policy.conditions))
        for policy in Policy.objects.filter(milestone=milestone, is_active=True).select_related("calendar")
    ]

    def choose(handoff: Handoff) -> Policy:
        get = facts.handoff_getter(handoff)
        for policy, conditions in policies:
            if all_match(conditions, get):
                return policy
        raise Conflict(
            _("No policy promises a time for “%(milestone)s”. Make one without conditions, to come last.")
            % {"milestone": milestone.label}
        )

    return choose


# Clocks ---------------------------------------------------------------------------------------------------------------


def start(handoffs: Sequence[Handoff], milestones: Iterable[Milestone], *, at: dt.datetime) -> list[Timer]:
    """Start a clock for each milestone of each locked handoff. Set-wise."""
    timers: list[Timer] = []
    for milestone in milestones:
        choose = policy_chooser(milestone)
        for handoff in handoffs:
            policy = choose(handoff)
            timer = Timer(
                handoff=handoff,
                milestone=milestone,
                policy=policy,
                policy_version=policy.version,
                calendar=policy.calendar,
                target_seconds=policy.target_seconds,
                steps=parse_steps(policy.steps),
                assignee_id=handoff.assignee_id,
                started_at=at,
            )
            _schedule(timer, calendar=policy.calendar.parse(), pauses=())
            timers.append(timer)
    return Timer.objects.bulk_create(timers)


def _schedule(timer: Timer, *, calendar: clock.Calendar, pauses: Sequence[PauseSpan]) -> None:
    """Set when the timer warns, falls due and is to be looked at next, from its facts."""
    timer.warn_at = clock.due_at(calendar, timer.started_at, timer.target_seconds * WARN_SHARE, pauses)
    timer.due_at = clock.due_at(calendar, timer.started_at, timer.target_seconds, pauses)
    timer.next_check_at = step_at(timer, calendar=calendar, pauses=pauses)


def step_at(timer: Timer, *, calendar: clock.Calendar, pauses: Sequence[PauseSpan]) -> dt.datetime | None:
    """When the next step of the ladder is taken; None when all are."""
    if timer.step >= len(timer.steps):
        return None
    step = timer.steps[timer.step]
    working = timer.target_seconds * step.get("at_percent", 100) / 100 + step.get("after_seconds", 0)
    return clock.due_at(calendar, timer.started_at, working, pauses)


def meet(handoff_ids: Collection[int], milestones: Iterable[Milestone], *, at: dt.datetime) -> None:
    """Stop the open clocks of these milestones: the promise was kept, in time or late."""
    _open_timers(handoff_ids, milestones).update(met_at=at, next_check_at=None)


def meet_contact(handoff: Handoff) -> None:
    """Stop the contact clock of a locked handoff at its `contacted_at`, also when an earlier contact comes in late."""
    timers = Timer.objects.filter(handoff=handoff, milestone=Milestone.CONTACT, cancelled_at=None)
    timers.filter(Q(met_at=None) | Q(met_at__gt=handoff.contacted_at)).update(
        met_at=handoff.contacted_at, next_check_at=None
    )


def cancel(
    handoff_ids: Collection[int], *, at: dt.datetime, milestones: Iterable[Milestone] = tuple(Milestone)
) -> None:
    """Stop the open clocks of these milestones without a verdict: nobody waits any more."""
    _open_timers(handoff_ids, milestones).update(cancelled_at=at, next_check_at=None)


def hand_on(handoff: Handoff, *, at: dt.datetime) -> None:
    """Reassigned: the answer clock starts anew for the new assignee, the contact clock runs on under their name."""
    _open_timers([handoff.pk], [Milestone.CONTACT, Milestone.MEETING, Milestone.FOLLOW_UP]).update(
        assignee_id=handoff.assignee_id
    )
    if _open_timers([handoff.pk], [Milestone.ANSWER]).exists():
        cancel([handoff.pk], at=at, milestones=[Milestone.ANSWER])
        start([handoff], [Milestone.ANSWER], at=at)


def _open_timers(handoff_ids: Collection[int], milestones: Iterable[Milestone]) -> Any:
    return Timer.objects.open().filter(handoff_id__in=handoff_ids, milestone__in=list(milestones))


def pause(handoff: Handoff, *, actor: User | None, at: dt.datetime, until: dt.datetime, reason: str) -> Pause:
    """Let all clocks of a locked handoff stand still until an instant. Raises `Invalid`, `Conflict`."""
    if until <= at:
        raise Invalid(_("A pause ends in the future."), field="until")
    if until - at > MAX_PAUSE:
        raise Invalid(_("A pause lasts a year at most."), field="until")
    if not reason.strip():
        raise Invalid(_("Say why the clocks are to stand still."), field="reason")
    timers = list(_open_timers([handoff.pk], Milestone).select_related("calendar"))
    if not timers:
        raise Conflict(_("No clock is running that could be paused."))
    if any(timer.due_at < at for timer in timers):
        raise Conflict(_("A missed clock cannot be paused."))
    made = Pause.objects.create(handoff=handoff, starts_at=at, ends_at=until, reason=reason.strip(), actor=actor)
    _reschedule(timers)
    return made


def resume(handoff: Handoff, *, at: dt.datetime) -> None:
    """End the running pauses of a locked handoff now. Raises `Conflict` when none runs."""
    if not Pause.objects.filter(handoff=handoff, starts_at__lte=at, ends_at__gt=at).update(ends_at=at):
        raise Conflict(_("The clocks of this handoff are not paused."))
    _reschedule(list(_open_timers([handoff.pk], Milestone).select_related("calendar")))


def _reschedule(timers: Sequence[Timer]) -> None:
    """Recompute the instants of timers after their pauses changed."""
    pauses = pauses_of([timer.handoff_id for timer in timers])
    for timer in timers:
        _schedule(timer, calendar=timer.calendar.parse(), pauses=pauses[timer.handoff_id])
    Timer.objects.bulk_update(timers, ["warn_at", "due_at", "next_check_at"], batch_size=500)


def reschedule_calendar(calendar: Calendar) -> int:
    """Move the open clocks of a changed calendar; return how many. Locks them."""
    timers = list(
        Timer.objects.open().filter(calendar=calendar).select_for_update(of=("self",)).select_related("calendar")
    )
    _reschedule(timers)
    return len(timers)


def pauses_of(handoff_ids: Collection[int]) -> dict[int, list[PauseSpan]]:
    spans: dict[int, list[PauseSpan]] = defaultdict(list)
    for row in Pause.objects.filter(handoff_id__in=handoff_ids):
        spans[row.handoff_id].append((row.starts_at, row.ends_at))
    return spans


def freeze(handoff: Handoff) -> list[dict[str, Any]]:
    """The facts of a handoff's clocks, for `thaw` to put back."""
    return [
        {
            "id": timer.pk,
            "assignee_id": timer.assignee_id,
            "met_at": timer.met_at.isoformat() if timer.met_at else None,
            "cancelled_at": timer.cancelled_at.isoformat() if timer.cancelled_at else None,
            "next_check_at": timer.next_check_at.isoformat() if timer.next_check_at else None,
        }
        for timer in handoff.timers.all()
    ]


def thaw(handoff: Handoff, frozen: Sequence[dict[str, Any]]) -> None:
    """Put the clocks of a locked handoff back as they were; those started since then go."""
    handoff.timers.exclude(id__in=[facts_["id"] for facts_ in frozen]).delete()
    for facts_ in frozen:
        values = {name: value for name, value in facts_.items() if name != "id"}
        Timer.objects.filter(id=facts_["id"]).update(**values)


# The sweep ------------------------------------------------------------------------------------------------------------


def timers_due(*, at: dt.datetime, limit: int, only: int | None = None) -> list[Timer]:
    """Lock a batch of timers that are to be looked at (`only`: this one), passing over those another sweep holds."""
    due = Timer.objects.filter(next_check_at__lte=at).order_by("next_check_at", "id")
    if only is not None:
        due = due.filter(id=only)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    return list(due.select_related("calendar", "handoff")[:limit])


def climb(timers: Sequence[Timer], *, at: dt.datetime) -> int:
    """Take every step of the ladder that is due at `at` for these locked timers; return how many people are told.

    1. Each timer is judged anew from its facts: pauses may have moved it.
    2. Notices and their sendings are written, each once for ever by its key.
    3. The timers are written with the instant of their next step.
    """
    pauses = pauses_of([timer.handoff_id for timer in timers])
    managers: list[int] | None = None
    marketers: list[int] | None = None
    drafts: list[notices.Draft] = []
    for timer in timers:
        calendar = timer.calendar.parse()
        next_at = step_at(timer, calendar=calendar, pauses=pauses[timer.handoff_id])
        while next_at is not None and next_at <= at:
            step = timer.steps[timer.step]
            if step["to"] == "manager":
                managers = managers or [user.pk for user in notices.people_with(Role.MANAGER)]
                told = managers
            elif timer.assignee_id is not None:
                told = [timer.assignee_id]
            else:
                marketers = marketers or [user.pk for user in notices.people_with(Role.MARKETER)]
                told = marketers
            drafts += [
                notices.Draft(
                    kind=step["kind"],
                    dedup_key=f"timer:{timer.pk}:{timer.step}:{recipient_id}",
                    recipient_id=recipient_id,
                    contact_id=timer.handoff.contact_id,
                    handoff_id=timer.handoff_id,
                    timer_id=timer.pk,
                    step=timer.step,
                    params={"milestone": timer.milestone, "due_at": timer.due_at.isoformat()},
                )
                for recipient_id in told
            ]
            timer.step += 1
            next_at = step_at(timer, calendar=calendar, pauses=pauses[timer.handoff_id])
        timer.next_check_at = next_at
    written = notices.tell(drafts, at=at)
    Timer.objects.bulk_update(timers, ["step", "next_check_at"])
    return len(written)


def push_ahead(timer_id: int, *, at: dt.datetime) -> None:
    """Look at a timer that could not be handled again in a quarter of an hour."""
    Timer.objects.filter(id=timer_id, next_check_at__isnull=False).update(next_check_at=at + dt.timedelta(minutes=15))
