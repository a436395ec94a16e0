"""Sample figures for the style guide: one company, one Tuesday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import charts, share_charts, threshold_chart
from crm.chips import Chip
from crm.faces import ClockFace, OpenHours, ReasonGroup, ReasonLine, ScoreFace, ScoreReasons
from crm.proportions import wilson_interval
from crm.queries.conversation import Conversation, Word
from crm.statistics import Spread
from crm.window_chart import WindowFace, window_face
from leads.forms_conditions import ConditionsForm
from leads.mentions import Piece
from leads.window import LeadTime, window_of

HOUR, MINUTE = 3600, 60
COLORS = [
    "canvas",
    "surface",
    "sunken",
    "hover",
    "line",
    "line-strong",
    "field-border",
    "ink",
    "ink-2",
    "ink-3",
    "accent",
    "on-accent",
    "accent-soft",
    "accent-mid",
    "red",
    "red-fill",
    "amber",
    "amber-fill",
    "green",
    "grey-fill",
    "grey-strong",
    "bar",
]


class SampleForm(forms.Form):
    """One field of each kind."""

    email = forms.EmailField(label=_("E-mail"), help_text=_("Two contacts never share an address."))
    name = forms.CharField(label=_("Name"), required=False)
    channel = forms.ChoiceField(label=_("Source"), choices=[("phone", _("Phone")), ("fair", _("Trade fair"))])
    note = forms.CharField(label=_("What they said"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    days = forms.IntegerField(label=_("Come back in"), min_value=1, initial=14)
    is_urgent = forms.BooleanField(label=_("Asks to be called"), required=False, help_text=_("Promotes at once."))
    verdict = forms.ChoiceField(
        label=_("Budget"), choices=[("yes", _("Confirmed")), ("no", _("Not known"))], widget=forms.RadioSelect
    )


class SampleConditions(ConditionsForm):
    """The editor of conditions."""

    most_conditions = 3


def sample_conditions() -> SampleConditions:
    """A condition on a list, one on an attribute, one without a value."""
    stored: list[dict[str, Any]] = [
        {"field": "country", "op": "in", "value": ["FI", "SE"]},
        {"field": "attributes.plan", "op": "equals", "value": "trial"},
        {"field": "company.industry", "op": "is_set", "value": None},
    ]
    return SampleConditions(conditions=stored, auto_id="sample-conditions-%s")


@dataclass(frozen=True)
class SampleLead:
    """A row of the sample queue."""

    pk: int
    name: str
    company: str
    crossed: str
    origin: str
    clock: ClockFace
    score: ScoreFace


def samples(*, now: datetime, is_submitted: bool) -> dict[str, Any]:
    """Everything that the page shows, true at `now`; `is_submitted` shows the form as refused."""
    form = SampleForm({"email": "hanna@", "channel": "fair", "days": "0"}) if is_submitted else SampleForm()
    leads = _leads(now)
    return {
        "colors": COLORS,
        "theme_names": ("light", "dark"),
        "states": ("running", "soon", "missed", "late", "met", "paused", "cancelled", "unknown"),
        "clocks": _clocks(now),
        "hours": [_always_open(now)],
        "leads": leads,
        "lead": leads[1],
        "answer_clock": _clock(now, left=160 * MINUTE, name="Paweł Kamiński"),
        "contact_clock": _clock(now, left=-74 * MINUTE, target=8 * HOUR, name="Grzegorz Pawlak"),
        "inbox_clocks": [_clock(now, left=n * MINUTE, target=8 * HOUR) for n in (38, 310)],
        "reasons": _reasons(),
        "course": _course(now),
        "histogram": _histogram(),
        "delays": _delays(),
        "people": _people(),
        "arrivals": _arrivals(),
        "bands": _bands(),
        "windows": _windows(now),
        "conversation": _conversation(now),
        "threshold": _threshold(),
        "form": form,
        "conditions_form": sample_conditions(),
        "tabs": _tabs(),
        "chips": [Chip(str(_("State: Offered")), "#state"), Chip(str(_("Created by the import: fair.csv")), "#import")],
        "page": Paginator(range(312), 50).page(2),
        "moments": [now - timedelta(hours=hours) for hours in (0, 2, 20, 70, 200, 3000, 12000)],
    }


def _always_open(now: datetime) -> OpenHours:
    start = int(now.timestamp()) - 86_400
    return OpenHours(key="always", intervals=((start, start + 30 * 86_400),))


def _clock(
    now: datetime,
    *,
    left: int | None,
    state: str = "running",
    target: int = 4 * HOUR,
    name: str = "",
    note: str = "",
) -> ClockFace:
    return ClockFace(
        state=state,
        at=now,
        target_seconds=target,
        seconds_left=left,
        due_at=None if left is None else now + timedelta(seconds=left),
        hours_key="always",
        name=name,
        note=note,
    )


def _clocks(now: datetime) -> list[ClockFace]:
    return [
        _clock(now, left=160 * MINUTE),
        _clock(now, left=20 * MINUTE, name="Paweł Kamiński"),
        _clock(now, left=25, target=2 * MINUTE, name="Anja Kos"),
        _clock(now, left=-92 * MINUTE),
        _clock(now, left=-15 * MINUTE, state="late"),
        _clock(now, left=None, state="met"),
        _clock(now, left=None, state="paused", note=gettext("to Thu, contact away")),
        _clock(now, left=None, state="cancelled"),
    ]


def _leads(now: datetime) -> list[SampleLead]:
    rows = (
        (
            "Hanna Virtanen",
            "Pohjola Pakkaus Oy",
            gettext("Webinar, 3 price visits"),
            gettext("Trade fair Lahti, imported list"),
            -92,
            22,
            52,
            "B1",
        ),
        (
            "Paweł Kamiński",
            "Bałtyk Logistyka",
            gettext("Demo request, 6 price visits"),
            gettext("Autumn mailing, form /demo"),
            20,
            35,
            61,
            "A1",
        ),
        (
            "Desislava Petrova",
            "Trakia Mebel AD",
            gettext("Demo request"),
            gettext("Google search, form /demo"),
            49,
            36,
            45,
            "A1",
        ),
        (
            "Luka Zupančič",
            "Alpina Žage d.o.o.",
            gettext("Buyer’s guide, 4 price visits"),
            gettext("Partner newsletter"),
            98,
            28,
            38,
            "B2",
        ),
        (
            "Magdalena Wiśniewska",
            "Warta Tekstylia",
            gettext("Mail reply, buyer’s guide"),
            gettext("Autumn mailing"),
            138,
            12,
            51,
            "C1",
        ),
    )
    return [
        SampleLead(
            pk=index,
            name=name,
            company=company,
            crossed=crossed,
            origin=origin,
            clock=_clock(now, left=left * MINUTE, name=name),
            score=ScoreFace(fit + engagement, engagement, fit, 60, grade=grade, is_hot=fit + engagement >= 90),
        )
        for index, (name, company, crossed, origin, left, fit, engagement, grade) in enumerate(rows, start=1)
    ]


def _reasons() -> ScoreReasons:
    return ScoreReasons(
        groups=(
            ReasonGroup(
                title=gettext("Engagement, band 1"),
                total=61,
                lines=(
                    ReasonLine(gettext("Asked for a demo"), 28.8, gettext("20 h"), "#activities"),
                    ReasonLine(
                        gettext("6 visits to /pricing"),
                        20,
                        gettext("2 h – 4 d"),
                        "#activities",
                        2.9,
                        gettext("22.9 earned, the rule’s cap of 20 cut 2.9"),
                    ),
                    ReasonLine(gettext("Downloaded buyer’s guide"), 8.1, gettext("8 d"), "#activities"),
                    ReasonLine(gettext("Clicked a mailing"), 2.1, gettext("7 d"), "#activities"),
                    ReasonLine(gettext("Opened mailings, 3"), 2, gettext("3 – 16 d"), "#activities"),
                ),
            ),
            ReasonGroup(
                title=gettext("Fit, band A"),
                total=35,
                is_fit=True,
                decimals=0,
                lines=(
                    ReasonLine(gettext("200 to 1,000 people"), 12),
                    ReasonLine(gettext("Industry is logistics"), 10),
                    ReasonLine(gettext("Title has “operations”"), 10),
                    ReasonLine(gettext("Country is Poland"), 5),
                    ReasonLine(gettext("Revenue not known"), -2),
                ),
            ),
        ),
        footnote=gettext(
            "Model version 7. Cools below 60 on 6 December if nothing more happens. 3 clicks by a mail gateway "
            "not counted."
        ),
    )


def _course(now: datetime) -> charts.ScoreCourse:
    steps = (
        (30, 22),
        (15, 22),
        (15, 28),
        (9, 26),
        (9, 45),
        (5, 42),
        (5, 48),
        (2, 46),
        (2, 58),
        (0.8, 54),
        (0.8, 92),
        (0, 96),
    )
    return charts.ScoreCourse(
        points=tuple(charts.CoursePoint(now - timedelta(days=days), score) for days, score in steps),
        thresholds=((90, gettext("90 hot")), (60, gettext("60 MQL"))),
        marks=(
            charts.CourseMark(now - timedelta(days=9), gettext("guide")),
            charts.CourseMark(now - timedelta(days=0.8), gettext("demo")),
        ),
        start_label=gettext("18 Oct"),
        end_label=gettext("96 now"),
        label=gettext("The score rose from 22 to 96 in 30 days"),
        when_heading=gettext("When"),
        score_heading=gettext("Score"),
    )


def _histogram() -> charts.Histogram:
    counts = (17, 15, 12, 10, 8, 7, 6, 5, 4, 2, 2, 1, 2)
    return charts.Histogram(
        bins=tuple(
            charts.Bin(
                edge=str(hour),
                count=count,
                href=f"#contacted-{hour}",
                title=gettext("%(first)s to %(last)s h") % {"first": hour, "last": hour + 1},
            )
            for hour, count in enumerate(counts)
        ),
        last_edge="12+",
        limit_at=8,
        limit_label=gettext("limit 8 h"),
        within_label=gettext("80 within"),
        after_label=gettext("11 after it"),
        marks=(
            charts.AxisMark(3.17, gettext("median 3 h 10 min")),
            charts.AxisMark(8.5, gettext("90th percentile 8 h 30 min")),
        ),
        label=gettext("Response times of 91 handoffs"),
        step_heading=gettext("Contacted within"),
        count_heading=gettext("Handoffs"),
    )


def _delays() -> charts.DelayBars:
    def delay(
        name: str, note: str, hours: tuple[float, float, float, float], limit: float | None, median: str, tail: str
    ) -> charts.Delay:
        return charts.Delay(
            name=name,
            note=note,
            median=hours[0] * HOUR,
            percentile_90=hours[1] * HOUR,
            before_median=hours[2] * HOUR,
            before_percentile_90=hours[3] * HOUR,
            limit=limit,
            median_text=median,
            median_change=gettext("−14 min"),
            percentile_text=tail,
            percentile_change=gettext("−45 min"),
        )

    return charts.DelayBars(
        rows=(
            delay(
                gettext("System"),
                gettext("formed → offered"),
                (0.63, 2.9, 0.87, 3.7),
                None,
                gettext("38 min"),
                gettext("2 h 55 min"),
            ),
            delay(
                gettext("Human"),
                gettext("offered → contacted"),
                (3.17, 8.5, 4.1, 10.35),
                8 * HOUR,
                gettext("3 h 10 min"),
                gettext("8 h 30 min"),
            ),
            delay(
                gettext("Total"),
                gettext("formed → contacted"),
                (4.08, 10.25, 5.17, 12.2),
                None,
                gettext("4 h 05 min"),
                gettext("10 h 15 min"),
            ),
        ),
        label=gettext("Delays of 91 handoffs against the period before"),
    )


def _threshold() -> threshold_chart.ThresholdChart:
    def curve(name: str, threshold: int, better: float) -> threshold_chart.Curve:
        points = tuple(
            threshold_chart.CurvePoint(at, None if at > 86 else 0.36 + better + (at - 40) * 0.007, 46 - (at - 40) * 0.9)
            for at in range(40, 91, 2)
        )
        own = next(point for point in points if point.threshold == threshold)
        return threshold_chart.Curve(
            name=name,
            points=points,
            threshold=threshold,
            threshold_text=str(threshold),
            precision_text=f"{own.precision or 0:.0%}",
            per_week_text=f"{own.per_week:.0f}",
        )

    return threshold_chart.ThresholdChart(
        curve=curve(gettext("version 8"), 64, 0.04),
        before=curve(gettext("version 7"), 60, 0.0),
        capacity=28,
        capacity_lines=(gettext("28 sales can"), gettext("take a week")),
        label=gettext("Precision and MQLs a week against the threshold, versions 8 and 7"),
    )


def _people() -> share_charts.GroupBars:
    def person(name: str, within: int, of: int, minutes: int, late: int, still_open: int) -> share_charts.GroupShare:
        return share_charts.GroupShare(
            name,
            within,
            of,
            of_href="#of",
            href="#person",
            took=Spread(of, 60 * minutes, 26_400),
            late=late,
            late_href="#late",
            open=still_open,
            open_href="#open",
        )

    return share_charts.GroupBars(
        rows=(
            person("Mikko Lahtinen", 26, 27, 125, 1, 3),
            person("Maja Kovač", 22, 24, 170, 2, 2),
            person("Agnieszka Wójcik", 19, 22, 215, 3, 3),
            person("Georgi Dimitrov", 13, 18, 340, 5, 4),
            person("Elina Saarinen", 2, 2, 45, 0, 0),
        ),
        total=person(gettext("All"), 82, 93, 190, 11, 12),
        promised=0.9,
        name_heading=gettext("Person"),
        share_heading=gettext("Within 8 h"),
    )


def _arrivals() -> share_charts.HeatTable:
    def cell(count: int, late: int = 0) -> share_charts.HeatCell:
        return share_charts.HeatCell(count, "#count", late, "#late", shade=share_charts.shade_of(count, 5))

    return share_charts.HeatTable(
        columns=("00\u201309", "09\u201313", "13\u201317", "17\u201324"),
        rows=(
            share_charts.HeatRow(gettext("Mon"), (cell(1), cell(5, 1), cell(3), cell(0)), cell(9, 1)),
            share_charts.HeatRow(gettext("Tue"), (cell(0), cell(2), cell(4, 2), cell(1)), cell(7, 2)),
        ),
        totals=(cell(1), cell(7, 1), cell(7, 2), cell(1), cell(16, 3)),
    )


def _bands() -> tuple[share_charts.Band, ...]:
    def band(name: str, won: int, of: int, still_open: int) -> share_charts.Band:
        low, high = wilson_interval(hits=won, of=of)
        return share_charts.Band(name, of, "#of", won, "#won", still_open, "#open", low=low, high=high)

    return (
        band(gettext("within 1 h"), 22, 118, 9),
        band(gettext("within 4 h"), 24, 196, 20),
        band(gettext("later"), 1, 4, 0),
    )


def _windows(now: datetime) -> list[WindowFace]:
    today = now.date()
    return [window_face(window_of(today + timedelta(days=days), LeadTime()), today=today) for days in (140, 45, 12)]


def _conversation(now: datetime) -> Conversation:
    kim, aino = gettext("Kim Holm"), gettext("Aino Korhonen")
    asked = (Piece(f"@{kim}", is_name=True), Piece(gettext(", ask about the second gate."), is_name=False))
    return Conversation(
        words=(
            Word(now - timedelta(hours=3), aino, gettext("approved, offered to Kim Holm")),
            Word(now - timedelta(hours=2), kim, gettext("rejected"), reason=gettext("No budget"), rating=3),
            Word(now - timedelta(hours=1), aino, "", pieces=asked),
        ),
        handoff_id=None,
    )


def _tabs() -> list[dict[str, Any]]:
    return [
        {"label": gettext("To review"), "href": "#review", "count": 14, "is_current": True},
        {"label": gettext("Rejected by sales"), "href": "#rejected", "count": 3, "is_current": False},
        {"label": gettext("Waiting for capacity"), "href": "#waiting", "count": 2, "is_current": False},
        {"label": gettext("Hot, Poland"), "href": "#hot", "count": None, "is_current": False},
    ]
