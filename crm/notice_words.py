"""What a notice says, made when it is read: in the language and time zone that are active then."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy, pgettext

from crm import formats
from crm.models import Departure, Notice
from crm.models.notices import NoticeKind
from leads.models import Handoff
from sla.models import Milestone

RELATED = (
    "recipient",
    "contact__company",
    "contact__owner",
    "timer",
    "handoff__assignee",
    "handoff__team",
    "handoff__reviewed_by",
    "handoff__reason",
)
"""What `describe` follows from a notice: pass it to `select_related`."""


@dataclass(frozen=True)
class NoticeWords:
    """A notice in words."""

    subject: str
    """The happening and whom it is about, as a mail's subject."""
    topic: str
    """Whom it is about, where the kind of the notice stands beside it: "First contact with Hanna Virtanen"."""
    summary: str
    """One sentence that says how things stand; empty when the subject says it all."""
    text: str
    """What can be done about it; empty when nothing is asked for."""
    path: str
    """The page on which it is done."""


@dataclass(frozen=True)
class _Said:
    """What one kind of notice says; without a topic of its own it is about the contact."""

    subject: str
    summary: str = ""
    text: str = ""
    topic: str = ""


def describe(notice: Notice) -> NoticeWords:
    """A notice in words. Costs no query when it was read with `RELATED`."""
    who = _who(notice)
    said = _WORDS[NoticeKind(notice.kind)](notice, who)
    return NoticeWords(
        subject=said.subject,
        topic=capfirst(said.topic or who),
        summary=f"{_why_deputy(notice)} {said.summary}".strip(),
        text=said.text,
        path=_path(notice),
    )


def _why_deputy(notice: Notice) -> str:
    name = notice.params.get("deputy_for")
    return _("You stand in for %(name)s, who is out of office.") % {"name": name} if name else ""


def _who(notice: Notice) -> str:
    """The contact, with the company in brackets."""
    contact = notice.contact
    if contact is None:
        return _("a contact that is gone")
    return f"{contact} ({contact.company})" if contact.company else str(contact)


def _path(notice: Notice) -> str:
    if notice.kind == NoticeKind.REPORT:
        return f"/sla/report/{notice.pk}/"
    if notice.kind == NoticeKind.WEBHOOK_OFF:
        return f"/settings/webhooks/{notice.params['webhook']}/"
    if notice.kind == NoticeKind.HANDED_OVER:
        return "/handoffs/?state=open"
    if notice.kind == NoticeKind.DEPARTED:
        return "/sla/unnoticed/"
    return f"/contacts/{notice.contact_id}/" if notice.contact_id else "/alerts/"


def milestone_of(milestone: str, who: str) -> str:
    """A promise and whom it is about: "answer to Hanna Virtanen (Odra Meble)"."""
    return {
        Milestone.REVIEW: _("review of %(who)s"),
        Milestone.ANSWER: _("answer to %(who)s"),
        Milestone.CONTACT: _("first contact with %(who)s"),
        Milestone.MEETING: _("meeting with %(who)s"),
        Milestone.FOLLOW_UP: _("follow-up of %(who)s"),
    }[Milestone(milestone)] % {"who": who}


def _what_to_do(milestone: str) -> str:
    return {
        Milestone.REVIEW: _("Approve it, or return it with a reason."),
        Milestone.ANSWER: _("Accept the lead, or reject it with a reason."),
        Milestone.CONTACT: _("Call or write, and log it: an attempt counts."),
        Milestone.MEETING: _("Arrange the meeting and log it."),
        Milestone.FOLLOW_UP: _("Take the next step and log it."),
    }[Milestone(milestone)]


def _promise(notice: Notice) -> tuple[str, str]:
    """The milestone of an alert and when it falls due, in full."""
    milestone = str(notice.params.get("milestone") or (notice.timer.milestone if notice.timer else Milestone.ANSWER))
    written = notice.params.get("due_at")
    due_at = dt.datetime.fromisoformat(written) if written else notice.timer.due_at if notice.timer else None
    return milestone, formats.full_moment(due_at) if due_at else formats.status_word("unknown")


def _warn(notice: Notice, who: str) -> _Said:
    milestone, due = _promise(notice)
    what = milestone_of(milestone, who)
    return _Said(
        subject=_("Due soon: %(what)s") % {"what": what},
        topic=what,
        summary=_("Due %(due)s.") % {"due": due},
        text=_what_to_do(milestone),
    )


def _breach(notice: Notice, who: str) -> _Said:
    milestone, due = _promise(notice)
    what = milestone_of(milestone, who)
    return _Said(
        subject=_("Missed: %(what)s") % {"what": what},
        topic=what,
        summary=_story(notice, due),
        text="" if _is_met(notice) else _what_to_do(milestone),
    )


def _is_met(notice: Notice) -> bool:
    return notice.timer is not None and notice.timer.met_at is not None


def _story(notice: Notice, due: str) -> str:
    """When it was due, and what came of it since: a contact that was entered later may have been in time."""
    said = _("Was due %(due)s.") % {"due": due}
    timer = notice.timer
    if timer is None or timer.met_at is None:
        return said
    met = {"met": formats.full_moment(timer.met_at)}
    if timer.met_at <= timer.due_at:
        return f"{said} {_('It was met in time, %(met)s; that was entered later.') % met}"
    return f"{said} {_('Met late, %(met)s.') % met}"


def _escalate(notice: Notice, who: str) -> _Said:
    milestone, due = _promise(notice)
    named = {"person": _holder(notice.handoff), "what": milestone_of(milestone, who)}
    if is_before_due(notice):
        return _Said(
            subject=_("Due soon by %(person)s: %(what)s") % named,
            topic=_("%(person)s: %(what)s") % named,
            summary=_("Due %(due)s.") % {"due": due},
            text=_("Ask what is in the way, or give the lead to somebody else."),
        )
    return _Said(
        subject=_("Missed by %(person)s: %(what)s") % named,
        topic=_("%(person)s: %(what)s") % named,
        summary=_story(notice, due),
        text="" if _is_met(notice) else _("Ask what is in the way, or give the lead to somebody else."),
    )


def is_before_due(notice: Notice) -> bool:
    """Whether the ladder told of a promise that could still be kept then."""
    written = notice.params.get("due_at")
    return bool(written) and notice.created_at < dt.datetime.fromisoformat(written)


def _holder(handoff: Handoff | None) -> str:
    """Whose turn it is: the assignee, the team it was overflowed to, else marketing."""
    if handoff is not None and handoff.assignee_id:
        return str(handoff.assignee)
    if handoff is not None and handoff.team_id:
        return str(handoff.team)
    return _("marketing")


def _offered(notice: Notice, who: str) -> _Said:
    if notice.params.get("team"):
        subject = _("A lead for %(team)s: %(who)s") % {"team": notice.params["team"], "who": who}
        return _Said(subject, _why_you(notice.handoff), _("Whoever of you accepts it first has it."))
    return _Said(_("A lead for you: %(who)s") % {"who": who}, _why_you(notice.handoff), _what_to_do(Milestone.ANSWER))


def _reassigned(notice: Notice, who: str) -> _Said:
    return _Said(_("Moved to you: %(who)s") % {"who": who}, _why_you(notice.handoff), _what_to_do(Milestone.ANSWER))


def _moved_away(notice: Notice, who: str) -> _Said:
    return _Said(
        _("Moved on from you: %(who)s") % {"who": who},
        _("It is with %(name)s now.") % {"name": _holder(notice.handoff)},
    )


STUCK = {
    "nobody_free": gettext_lazy("Nobody else is on duty with room for it, so it stays where it is."),
    "moved_enough": gettext_lazy("It was moved by itself as often as a lead may be, so it stays where it is."),
    "no_team": gettext_lazy("There is no team to offer it to, so it stays where it is."),
    "with_a_team": gettext_lazy("It was offered to another team already, so it stays where it is."),
}
"""Why the ladder could not move a lead, by the code that its notice keeps."""


def _stuck(notice: Notice, who: str) -> _Said:
    return _Said(
        _("Stuck with %(person)s: %(who)s") % {"person": _holder(notice.handoff), "who": who},
        str(STUCK[notice.params["why"]]),
        _("Give the lead to somebody yourself."),
    )


def _why_you(handoff: Handoff | None) -> str:
    """What the lead is worth and why it went to this person, as far as it is known."""
    if handoff is None:
        return ""
    facts = []
    if handoff.score is not None:
        facts.append(_("Score %(score)s") % {"score": formats.number(handoff.score, decimals=0)})
    if handoff.grade:
        facts.append(_("grade %(grade)s") % {"grade": handoff.grade})
    if handoff.assigned_because:
        facts.append(handoff.assigned_because)
    return f"{', '.join(facts)}." if facts else ""


def _rejected(notice: Notice, who: str) -> _Said:
    return _Said(
        _("Rejected by sales: %(who)s") % {"who": who},
        _answer(notice.handoff),
        _("It is back in your queue with this answer: approve it for somebody else, or return it."),
    )


def _returned(notice: Notice, who: str) -> _Said:
    return _Said(_("Returned to nurturing: %(who)s") % {"who": who}, _answer(notice.handoff))


def _answer(handoff: Handoff | None) -> str:
    """A counted reason and the words that came with it."""
    if handoff is None:
        return ""
    reason = str(handoff.reason) if handoff.reason else ""
    comment = f"“{handoff.comment}”" if handoff.comment else ""
    return ": ".join(part for part in (reason, comment) if part)


def _active_again(notice: Notice, who: str) -> _Said:
    return _Said(
        _("Active again: %(who)s") % {"who": who},
        _("The contact did something today."),
        _("Look at what it was; it may be the moment to call."),
    )


def _resurfaced(notice: Notice, who: str) -> _Said:
    return _Said(
        _("Came back: %(who)s") % {"who": who},
        _("The date has come on which this contact was to be looked at again."),
        _("Look at what has happened since, and warm it or let it rest."),
    )


def _merged(notice: Notice, who: str) -> _Said:
    named = {"name": notice.params.get("name") or who, "who": who}
    return _Said(
        _("Merged: %(who)s") % {"who": who},
        _("%(name)s and %(who)s are one person; it goes on with %(holder)s.")
        % (named | {"holder": _goes_on_with(notice)}),
    )


def _goes_on_with(notice: Notice) -> str:
    owner = notice.contact.owner if notice.contact else None
    return _holder(notice.handoff) if notice.handoff else str(owner) if owner else _("marketing")


def _mentioned(notice: Notice, who: str) -> _Said:
    named = {"name": notice.params.get("by") or formats.status_word("unknown"), "who": who}
    return _Said(
        _("%(name)s asks you about %(who)s") % named,
        f"“{notice.params.get('text', '')}”",
        _("Answer on the contact’s page; both teams read it there."),
        topic=_("%(name)s about %(who)s") % named,
    )


def _report(notice: Notice, who: str) -> _Said:
    since, until = (dt.date.fromisoformat(notice.params[name]) for name in ("since", "until"))
    pattern = pgettext("date pattern: day, month and year", "j M Y")
    days = date_format(until, pattern)
    if since != until:
        days = f"{date_format(since, pattern)} \u2013 {days}"
    return _Said(
        _("Promises, %(days)s") % {"days": days},
        _("What was missed, who has it, and how it was before."),
        topic=_("promises, %(days)s") % {"days": days},
    )


def _webhook_off(notice: Notice, who: str) -> _Said:
    name = notice.params["name"]
    return _Said(
        _("Switched off: the webhook %(name)s") % {"name": name},
        str(notice.params["reason"]),
        _("Look at its address, then switch it on again; what failed can be sent again."),
        topic=name,
    )


_GOT = {
    "offered": ngettext_lazy("%(n)d lead to be answered", "%(n)d leads to be answered", "n"),
    "in_work": ngettext_lazy("%(n)d lead in work", "%(n)d leads in work", "n"),
    "opportunities": ngettext_lazy("%(n)d open opportunity", "%(n)d open opportunities", "n"),
    "customers": ngettext_lazy("%(n)d customer or other contact", "%(n)d customers and other contacts", "n"),
    "pools": ngettext_lazy("%(n)d part in a routing rule", "%(n)d parts in routing rules", "n"),
    "deputies": ngettext_lazy("%(n)d colleague to stand in for", "%(n)d colleagues to stand in for", "n"),
    "ladders": ngettext_lazy("%(n)d policy that tells you", "%(n)d policies that tell you", "n"),
    "tasks": ngettext_lazy("%(n)d task", "%(n)d tasks", "n"),
}


def _handed_over(notice: Notice, who: str) -> _Said:
    params = notice.params
    if "by" in params:
        names = ", ".join(params["names"]) or _("the queue of what waits")
        return _Said(
            _("Handed over while you are away"),
            _("%(by)s handed over %(count)s of yours, to %(names)s.")
            % {"by": params["by"], "count": params["count"], "names": names},
            _("It does not come back by itself: ask for what you want to have again."),
            topic=_("your work"),
        )
    got = ", ".join(_GOT[group] % {"n": count} for group, count in params["got"].items())
    return _Said(
        _("Handed over to you from %(name)s: %(what)s") % {"name": params["from"], "what": got},
        _("What was said and done so far stands on each contact’s page."),
        _("Leads to be answered have a new clock, from now on."),
        topic=_("work of %(name)s") % {"name": params["from"]},
    )


def _departed(notice: Notice, who: str) -> _Said:
    params = notice.params
    subjects = {
        Departure.Kind.LEAVE: _("%(name)s leaves"),
        Departure.Kind.STOP: _("%(name)s sells no longer"),
        Departure.Kind.OFF_DUTY: _("%(name)s goes off duty"),
        Departure.Kind.AWAY: _("%(name)s is out of office"),
    }
    said = [_("%(n)d to %(name)s") % {"n": count, "name": name} for name, count in params["got"].items()]
    said += [
        str(text % {"n": params[name]})
        for name, text in (
            ("waiting", ngettext_lazy("%(n)d waits for capacity", "%(n)d wait for capacity", "n")),
            ("unowned", ngettext_lazy("%(n)d contact belongs to nobody", "%(n)d contacts belong to nobody", "n")),
            ("kept", ngettext_lazy("%(n)d stays by choice", "%(n)d stay by choice", "n")),
            ("due", ngettext_lazy("of which %(n)d falls due meanwhile", "of which %(n)d fall due meanwhile", "n")),
        )
        if params[name]
    ]
    return _Said(
        subjects[Departure.Kind(params["kind"])] % {"name": params["name"]},
        _("%(by)s handed over: %(what)s.") % {"by": params["by"], "what": ", ".join(said) or _("nothing")},
        _("What nobody has, and what stays with somebody away, stands under “Unnoticed”."),
        topic=params["name"],
    )


def _case_study(notice: Notice, who: str) -> _Said:
    rating = notice.params.get("rating")
    said = str(notice.params.get("comment") or "")
    summary = _("%(owner)s asked: %(rating)s of 5.") % {"owner": notice.params.get("by", ""), "rating": rating}
    if said:
        summary += " " + _("“%(words)s”") % {"words": said}
    return _Said(_("A happy customer: %(who)s") % {"who": who}, summary, _("Ask them for a case study or a reference."))


_WORDS = {
    NoticeKind.WARN: _warn,
    NoticeKind.BREACH: _breach,
    NoticeKind.ESCALATE: _escalate,
    NoticeKind.OFFERED: _offered,
    NoticeKind.REASSIGNED: _reassigned,
    NoticeKind.MOVED_AWAY: _moved_away,
    NoticeKind.STUCK: _stuck,
    NoticeKind.REJECTED: _rejected,
    NoticeKind.RETURNED: _returned,
    NoticeKind.ACTIVE_AGAIN: _active_again,
    NoticeKind.RESURFACED: _resurfaced,
    NoticeKind.CASE_STUDY: _case_study,
    NoticeKind.MERGED: _merged,
    NoticeKind.MENTIONED: _mentioned,
    NoticeKind.REPORT: _report,
    NoticeKind.WEBHOOK_OFF: _webhook_off,
    NoticeKind.HANDED_OVER: _handed_over,
    NoticeKind.DEPARTED: _departed,
}
