"""Why a score is what it is, and how it came there, as the shared parts of pages draw it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from urllib.parse import urlencode

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from crm import formats
from crm.charts import CourseMark, CoursePoint, ScoreCourse
from crm.faces import ReasonGroup, ReasonLine, ScoreFace, ScoreReasons
from leads.conditions import Several, is_unset
from leads.models import Contact
from scoring import queries as scores
from scoring.queries import Explanation, Ledger, RulePoints
from scoring.services import Rules

COURSE_DAYS = 30
COURSE_POINTS = 45
MARKS = 3
# Labels of marks closer than this would touch.
MARK_ROOM = dt.timedelta(days=9)
LEAST_MARKED = 3.0
LEAST_CUT = 0.05
SHORTEST = 10
"""So many letters of a value stand beside a rule of fit."""


def score_face(why: Explanation) -> ScoreFace:
    """The number with its parts."""
    return ScoreFace(
        score=why.score,
        engagement=why.engagement,
        fit=why.fit,
        threshold=why.mql_threshold,
        grade=why.grade,
        is_hot=why.is_hot,
    )


def score_reasons(why: Explanation, *, now: dt.datetime, rows_at: str = "") -> ScoreReasons:
    """Every rule with the age of what is behind it, its points and what a cap cut.

    `rows_at` is the address that shows the activities of one rule when `?rule=NAME` is added; empty links to none.
    """
    groups = [
        ReasonGroup(
            title=_("Engagement, band %(digit)s") % {"digit": why.grade[1:]},
            total=why.engagement,
            lines=tuple(_activity_line(rule, now=now, rows_at=rows_at) for rule in why.activity_rules),
        ),
        ReasonGroup(
            title=_("Fit, band %(letter)s") % {"letter": why.grade[:1]},
            total=why.fit,
            lines=tuple(
                ReasonLine(name=rule.rule, points=rule.points, age=_known(rule.value)) for rule in why.fit_rules
            ),
            is_fit=True,
            decimals=0,
        ),
    ]
    if why.adjustments:
        lines = tuple(_adjustment_line(rule, now=now) for rule in why.adjustments)
        total = sum(line.points for line in lines)
        groups.append(ReasonGroup(title=_("Given by hand"), total=total, lines=lines))
    return ScoreReasons(groups=tuple(groups), footnote=_footnote(why, now=now))


def _known(value: object) -> str:
    """What is known of the contact where a rule of fit looks, as short as its column."""
    if is_unset(value) or isinstance(value, bool | Several | list | dict):
        return ""
    text = formats.number(value) if isinstance(value, int | float | Decimal) else str(value)
    return Truncator(text).chars(SHORTEST)


def _adjustment_line(rule: RulePoints, *, now: dt.datetime) -> ReasonLine:
    seconds = (now - rule.given_at).total_seconds() if rule.given_at else 0.0
    return ReasonLine(
        name=rule.rule,
        points=rule.points,
        age=formats.age_span(seconds, seconds),
        note=_("by %(person)s") % {"person": rule.author} if rule.author else "",
    )


def _activity_line(rule: RulePoints, *, now: dt.datetime, rows_at: str) -> ReasonLine:
    ages = sorted((now - one.occurred_at).total_seconds() for one in rule.activities)
    note = ""
    if rule.capped >= LEAST_CUT:
        note = _("%(raw)s earned, the rule’s cap of %(cap)s cut %(cut)s") % {
            "raw": formats.number(rule.raw, decimals=1),
            "cap": formats.number(rule.points),
            "cut": formats.number(rule.capped, decimals=1),
        }
    return ReasonLine(
        name=rule.rule if len(ages) == 1 else f"{rule.rule}\u00a0×\u00a0{len(ages)}",
        points=rule.points,
        age=formats.age_span(ages[0], ages[-1]),
        href=f"{rows_at}?{urlencode({'rule': rule.rule})}#timeline" if rows_at else "",
        cut_points=max(rule.capped, 0.0),
        note=note,
    )


def _footnote(why: Explanation, *, now: dt.datetime) -> str:
    """The version of the rules, how many points are missing to the threshold, and on which day it cools."""
    parts = [_("Model version %(version)d.") % {"version": why.model_version}]
    if why.missing > 0:
        missing, threshold = formats.number(why.missing, decimals=1), formats.number(why.mql_threshold, decimals=0)
        parts.append(_("%(missing)s points missing to %(threshold)s.") % {"missing": missing, "threshold": threshold})
    cooling = formats.number(why.cooling_threshold, decimals=0)
    if why.cools_at is not None:
        day = formats.when(why.cools_at, now=now, with_time=False)
        parts.append(
            _("Cools below %(threshold)s on %(day)s if nothing more happens.") % {"threshold": cooling, "day": day}
        )
    elif not why.is_cool:
        parts.append(_("Stays above %(threshold)s by fit alone.") % {"threshold": cooling})
    return " ".join(parts)


def score_course(
    contact: Contact,
    why: Explanation,
    *,
    now: dt.datetime,
    rules: Rules | None = None,
    ledger: Ledger | None = None,
) -> ScoreCourse:
    """The score over the last 30 days, with its levels and what moved it most."""
    since = now - dt.timedelta(days=COURSE_DAYS)
    line = scores.course(contact, since=since, at=now, points=COURSE_POINTS, rules=rules, ledger=ledger)
    number = formats.number(why.score, decimals=0)
    return ScoreCourse(
        points=tuple(CoursePoint(at, value) for at, value in line),
        thresholds=(
            (why.hot_threshold, _("%(score)s hot") % {"score": formats.number(why.hot_threshold, decimals=0)}),
            (why.mql_threshold, _("%(score)s MQL") % {"score": formats.number(why.mql_threshold, decimals=0)}),
        ),
        marks=tuple(_marks(why, since=since)),
        start_label=formats.when(since, now=now),
        end_label=_("%(score)s now") % {"score": number},
        label=_("The score went from %(start)s to %(end)s in %(days)d days")
        % {"start": formats.number(line[0][1], decimals=0), "end": number, "days": COURSE_DAYS},
        when_heading=_("When"),
        score_heading=_("Score"),
    )


def _marks(why: Explanation, *, since: dt.datetime) -> list[CourseMark]:
    """The latest deed behind each of the strongest rules, named by its kind; of those close together the strongest."""
    marks: list[CourseMark] = []
    for rule in why.activity_rules[:MARKS]:
        at = rule.activities[0].occurred_at
        is_free = all(abs(at - other.at) > MARK_ROOM for other in marks)
        if rule.points >= LEAST_MARKED and at >= since and is_free:
            marks.append(CourseMark(at, str(rule.activities[0].activity.type).lower()))
    return marks
