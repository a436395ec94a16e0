"""Keeping promises: starting, meeting, moving and pausing clocks."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid
from leads.models import Handoff
from leads.sets import among
from sla import clock, ladder
from sla.choosing import Chooser, calendar_for
from sla.ladder import PauseSpan
from sla.models import LadderAct, Milestone, Pause, Policy, Timer

if TYPE_CHECKING:
    from crm.models import User

WARN_SHARE = 0.75
LONGEST_PAUSE = dt.timedelta(days=30)
MOST_PAUSES = 3
"""So long and so often a handoff may stand still; what has to wait longer is given back to marketing until a day."""
OFFER_CLOCKS = (Milestone.ANSWER, Milestone.CONTACT)


def start(handoffs: Sequence[Handoff], milestones: Iterable[Milestone], *, at: dt.datetime) -> list[Timer]:
    """Start a clock for each milestone of each locked handoff that is promised. Set-wise."""
    timers: list[Timer] = []
    for milestone in milestones:
        chooser = Chooser(milestone, handoffs)
        chosen = ((handoff, chooser.choose(handoff)) for handoff in handoffs)
        timers += [_timer(handoff, policy, started_at=at) for handoff, policy in chosen if policy is not None]
    pauses = pauses_of([timer.handoff_id for timer in timers])
    for timer in timers:
        _schedule(timer, calendar=timer.calendar.parse(), pauses=pauses[timer.handoff_id])
    return Timer.objects.bulk_create(timers)


def _timer(handoff: Handoff, policy: Policy, *, started_at: dt.datetime) -> Timer:
    """A clock under a policy as it is now; its instants are still to be set."""
    return Timer(
        handoff=handoff,
        milestone=policy.milestone,
        policy=policy,
        policy_version=policy.version,
        calendar=calendar_for(policy, handoff),
        target_seconds=policy.target_seconds,
        steps=policy.steps or ladder.STANDARD_STEPS,
        assignee_id=handoff.assignee_id,
        started_at=started_at,
    )


def refit(timers: Sequence[Timer], *, at: dt.datetime) -> int:
    """Bring locked open clocks under the policy that fits their handoff now; return how many that changed.

    A clock that stands under another policy, or another version of it, is cancelled, and one from the original start
    takes its place. What its ladder has done already is not done again. One that no policy fits any more runs on as
    it is. `timers` come with `handoff`.
    """
    handoffs = [timer.handoff for timer in timers]
    milestones = {timer.milestone for timer in timers}
    choosers = {milestone: Chooser(Milestone(milestone), handoffs) for milestone in milestones}
    fitting = [(timer, choosers[timer.milestone].choose(timer.handoff)) for timer in timers]
    moving = [
        (timer, policy)
        for timer, policy in fitting
        if policy is not None and (policy.pk, policy.version) != (timer.policy_id, timer.policy_version)
    ]
    pauses = pauses_of([timer.handoff_id for timer, _policy in moving])
    fresh = []
    for timer, policy in moving:
        new = _timer(timer.handoff, policy, started_at=timer.started_at)
        new.assignee_id, new.replaces = timer.assignee_id, timer
        new.steps, new.step = ladder.carry_over(timer.steps[: timer.step], onto=new.steps)
        _schedule(new, calendar=new.calendar.parse(), pauses=pauses[timer.handoff_id])
        fresh.append(new)
    Timer.objects.filter(id__in=[timer.pk for timer, _policy in moving]).update(cancelled_at=at, next_check_at=None)
    Timer.objects.bulk_create(fresh)
    return len(fresh)


def _schedule(timer: Timer, *, calendar: clock.Calendar, pauses: Sequence[PauseSpan]) -> None:
    """Set when the timer warns, falls due and is to be looked at next, from its facts."""
    timer.warn_at = clock.due_at(calendar, timer.started_at, timer.target_seconds * WARN_SHARE, pauses)
    timer.due_at = clock.due_at(calendar, timer.started_at, timer.target_seconds, pauses)
    timer.next_check_at = ladder.next_time(timer, calendar=calendar, pauses=pauses)


def meet(handoff_ids: Collection[int], milestones: Iterable[Milestone], *, at: dt.datetime) -> None:
    """Stop the open clocks of these milestones: the promise was kept, in time or late."""
    _open_timers(handoff_ids, milestones).update(met_at=at, next_check_at=None)


def meet_contact(handoff: Handoff) -> None:
    """Stop the contact clock of a locked handoff at its `contacted_at`, also when an earlier contact comes in late."""
    timers = Timer.objects.filter(handoff=handoff, milestone=Milestone.CONTACT, cancelled_at=None)
    timers.filter(Q(met_at=None) | Q(met_at__gt=handoff.contacted_at)).update(
        met_at=handoff.contacted_at, next_check_at=None
    )


def meet_meeting(handoff: Handoff) -> None:
    """Stop the meeting clock of a locked handoff at its `meeting_at`; one arranged before it began took no time."""
    if handoff.meeting_at is None:
        return
    for timer in Timer.objects.filter(handoff=handoff, milestone=Milestone.MEETING, cancelled_at=None):
        met_at = max(handoff.meeting_at, timer.started_at)
        if timer.met_at is None or timer.met_at > met_at:
            timer.met_at, timer.next_check_at = met_at, None
            timer.save(update_fields=["met_at", "next_check_at"])


def follow_up(handoff: Handoff, *, contacted_at: dt.datetime, planned_at: dt.datetime | None, is_latest: bool) -> None:
    """A person got in touch on a locked, accepted handoff: the promised follow-up is kept and the next one begins.

    It begins with this contact, or on the day that was planned with it. A contact that is entered after a later one
    is known (`is_latest` is false) begins none; it ends the promise it falls into where it happened.
    """
    clocks = Timer.objects.filter(handoff=handoff, milestone=Milestone.FOLLOW_UP, cancelled_at=None)
    if not is_latest:
        clocks.filter(started_at__lt=contacted_at, met_at__gt=contacted_at).update(met_at=contacted_at)
        return
    clocks.filter(met_at=None).update(met_at=contacted_at, next_check_at=None)
    begins = [contacted_at, planned_at, handoff.answered_at]
    start([handoff], [Milestone.FOLLOW_UP], at=max(one for one in begins if one is not None))


def begin_work(handoff: Handoff, *, at: dt.datetime) -> None:
    """A handoff was accepted: a meeting is promised, and a follow-up where somebody was in touch already."""
    was_contacted = handoff.contacted_at is not None
    start([handoff], [Milestone.MEETING, *([Milestone.FOLLOW_UP] if was_contacted else [])], at=at)
    meet_meeting(handoff)


def cancel(
    handoff_ids: Collection[int], *, at: dt.datetime, milestones: Iterable[Milestone] = tuple(Milestone)
) -> None:
    """Stop the open clocks of these milestones without a verdict: nobody waits any more."""
    _open_timers(handoff_ids, milestones).update(cancelled_at=at, next_check_at=None)


def hand_on(handoff: Handoff, *, at: dt.datetime) -> None:
    """Given to somebody else: the answer clock starts anew for them, the others run on under their name."""
    _open_timers([handoff.pk], [Milestone.CONTACT, Milestone.MEETING, Milestone.FOLLOW_UP]).update(
        assignee_id=handoff.assignee_id
    )
    if _open_timers([handoff.pk], [Milestone.ANSWER]).exists():
        cancel([handoff.pk], at=at, milestones=[Milestone.ANSWER])
        start([handoff], [Milestone.ANSWER], at=at)


def hand_to_team(handoff: Handoff, *, at: dt.datetime) -> None:
    """Offered to another team: as `hand_on`, and the contact clock goes on under the policy that fits the team."""
    hand_on(handoff, at=at)
    timers = list(_open_timers([handoff.pk], [Milestone.CONTACT]))
    for timer in timers:
        timer.handoff = handoff
    refit(timers, at=at)


def _open_timers(handoff_ids: Collection[int], milestones: Iterable[Milestone]) -> Any:
    return Timer.objects.open().filter(handoff_id__in=handoff_ids, milestone__in=list(milestones))


def pause(handoff: Handoff, *, actor: User | None, at: dt.datetime, until: dt.datetime, reason: str) -> Pause:
    """Let all clocks of a locked handoff stand still until an instant. Raises `Invalid`, `Conflict`."""
    if until <= at:
        raise Invalid(_("A pause ends in the future."), field="until")
    if until - at > LONGEST_PAUSE:
        sentence = _("A pause lasts %(days)d days at most. What has to wait longer goes back to marketing until a day.")
        raise Invalid(sentence % {"days": LONGEST_PAUSE.days}, field="until")
    if not reason.strip():
        raise Invalid(_("Say why the clocks are to stand still."), field="reason")
    pauses = list(Pause.objects.filter(handoff=handoff))
    if any(one.starts_at <= at < one.ends_at for one in pauses):
        raise Conflict(_("The clocks stand still already. Let them run again first."))
    if len(pauses) >= MOST_PAUSES:
        raise Conflict(_("A handoff is paused %(most)d times at most, and this one was.") % {"most": MOST_PAUSES})
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


def reschedule_calendar(*, timer_ids: Collection[int]) -> int:
    """Let these open clocks fall due by their calendar as it is now; return how many. Locks them."""
    rows = Timer.objects.open().filter(id__in=timer_ids).order_by("id")
    timers = list(rows.select_for_update(of=("self",)).select_related("calendar"))
    _reschedule(timers)
    return len(timers)


def pauses_of(handoff_ids: Collection[int]) -> dict[int, list[PauseSpan]]:
    spans: dict[int, list[PauseSpan]] = defaultdict(list)
    rows = Pause.objects.filter(handoff_id__in=among(handoff_ids))
    for handoff_id, starts_at, ends_at in rows.values_list("handoff_id", "starts_at", "ends_at"):
        spans[handoff_id].append((starts_at, ends_at))
    return spans


def hold(handoff_ids: Collection[int]) -> list[Timer]:
    """Lock all clocks of locked handoffs, and return them.

    Before a stage or a state is written: from then on the keys of the contact are locked as well, and a sweep that
    holds a clock could not write what it has to tell of it.
    """
    rows = Timer.objects.filter(handoff_id__in=handoff_ids)
    return list(rows.order_by("id").select_for_update(of=("self",), no_key=True))


def freeze(handoff: Handoff) -> list[dict[str, Any]]:
    """The facts of a handoff's clocks, for `thaw` to put back. Locks them as `hold` does."""
    return [
        {
            "id": timer.pk,
            "assignee_id": timer.assignee_id,
            "met_at": timer.met_at.isoformat() if timer.met_at else None,
            "cancelled_at": timer.cancelled_at.isoformat() if timer.cancelled_at else None,
            "next_check_at": timer.next_check_at.isoformat() if timer.next_check_at else None,
        }
        for timer in hold([handoff.pk])
    ]


def thaw(handoff: Handoff, frozen: Sequence[dict[str, Any]], *, since: dt.datetime, at: dt.datetime) -> None:
    """Put the clocks of a locked handoff back as they were at `since`, when an act on it was done; newer ones go.

    The act is taken back and nothing else: a clock that is open again falls due by its calendar and the pauses as they
    are now; one that was moved to another promise meanwhile is moved again, to what fits now; and a step that was not
    taken since nobody waited any more is to be taken after all.
    """
    ids = [facts_["id"] for facts_ in frozen]
    moved = list(Timer.objects.filter(replaces__in=ids, replaces__cancelled_at__gt=since).values_list("replaces_id"))
    handoff.timers.exclude(id__in=ids).delete()
    for facts_ in frozen:
        values = {name: value for name, value in facts_.items() if name != "id"}
        Timer.objects.filter(id=facts_["id"]).update(**values)
    running = list(_open_timers([handoff.pk], Milestone).select_related("calendar"))
    _reschedule(running)
    LadderAct.objects.filter(timer__in=running, outcome=LadderAct.Outcome.MOOT, done_at__gte=since).update(
        outcome="", done_at=None, next_attempt_at=F("due_at")
    )
    again = [timer for timer in running if (timer.pk,) in moved]
    for timer in again:
        timer.handoff = handoff
    refit(again, at=at)
