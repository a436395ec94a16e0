"""What sales answered to the handoffs of one version of the rules: by rule, by campaign, by type of activity.

Counted are handoffs that crossing or a request formed under the version and that sales accepted or rejected, the latest
`MOST_HANDOFFS` of them. A handoff stands under every rule that gave or took `LEAST_POINTS` or more when it was formed,
every campaign that its contact had met, and everything its contact had done by then. Points are replayed from the
ledger as it was known at that instant, fit from the facts as they were (`scoring.past` says where that is simplified).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from urllib.parse import urlencode

from crm import proportions
from crm.models import User
from leads.conditions import matches
from leads.models import Activity, ActivityType, Handoff, Touch
from leads.stages import HandoffState
from scoring import engine
from scoring.models import ScoringModel
from scoring.past import Past, pasts_of
from scoring.queries import replay
from scoring.services import Rules, load_rules

LEAST_POINTS = 0.5
MOST_HANDOFFS = 2000
RULE, FIT, CAMPAIGN, TYPE = "rule", "fit", "campaign", "type"
Key = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """One rule, campaign or type: how its handoffs were answered against all others of the version."""

    version: int
    by: str
    key: str
    name: str
    answered: int
    rejected: int
    rest_answered: int
    rest_rejected: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def query(self) -> str:
        """What the address of its list asks for."""
        return urlencode({"version": self.version, "by": self.by, "key": self.key})

    @property
    def rate(self) -> float:
        return self.rejected / self.answered if self.answered else 0.0

    @property
    def is_rule(self) -> bool:
        return self.by in (RULE, FIT)

    @property
    def is_comparable(self) -> bool:
        """Whether there are enough answers here and elsewhere to say more than chance."""
        return proportions.is_comparable(
            hits=self.rejected, of=self.answered, rest_hits=self.rest_rejected, rest_of=self.rest_answered
        )

    @property
    def is_nearly_all(self) -> bool:
        """Whether there is nothing to compare with because hardly a handoff stands outside."""
        return self.rest_answered < proportions.FEWEST <= self.answered

    @property
    def is_flagged(self) -> bool:
        """Whether its handoffs are rejected clearly more often than the others."""
        return proportions.is_clearly_more(
            hits=self.rejected, of=self.answered, rest_hits=self.rest_rejected, rest_of=self.rest_answered
        )


@dataclass(frozen=True)
class Feedback:
    """The answers to one version."""

    model: ScoringModel
    answered: int
    rejected: int
    rules: tuple[Line, ...]
    fit: tuple[Line, ...]
    campaigns: tuple[Line, ...]
    types: tuple[Line, ...]
    is_cut: bool
    handoffs: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)
    """The ids behind each line, by what it is and its key."""

    @property
    def query(self) -> str:
        """What the address of the list of all answers asks for."""
        return urlencode({"version": self.model.version})

    @property
    def rate(self) -> float | None:
        return self.rejected / self.answered if self.answered else None

    @property
    def flagged(self) -> tuple[Line, ...]:
        """The rules to look at first."""
        return tuple(line for line in (*self.rules, *self.fit) if line.is_flagged)

    @property
    def has_enough(self) -> bool:
        return self.answered >= proportions.FEWEST

    def line(self, by: str, key: str) -> Line | None:
        """One line by what it is and its key."""
        return next(
            (
                line
                for line in (*self.rules, *self.fit, *self.campaigns, *self.types)
                if (line.by, line.key) == (by, key)
            ),
            None,
        )


def feedback(model: ScoringModel, *, user: User) -> Feedback:
    """The answers to one version that `user` may see, by a constant number of queries."""
    rows = (
        Handoff.objects.visible_to(user)
        .filter(
            model_version=model.version,
            cause__in=[Handoff.Cause.THRESHOLD, Handoff.Cause.REQUEST],
            answered_at__isnull=False,
        )
        .select_related("contact__company", "contact__source", "reason")
        .order_by("-formed_at", "-id")
    )
    handoffs = list(rows[: MOST_HANDOFFS + 1])
    is_cut = len(handoffs) > MOST_HANDOFFS
    handoffs = handoffs[:MOST_HANDOFFS]
    names: dict[Key, str] = {}
    under: dict[Key, list[Handoff]] = defaultdict(list)
    for handoff, key, name in _placed(handoffs, load_rules(model)):
        names[key] = name
        under[key].append(handoff)
    lines = [_line(model.version, key, name, under[key], handoffs) for key, name in names.items()]
    lines.sort(key=lambda line: (not line.is_flagged, not line.is_comparable, -line.rate, line.name))
    return Feedback(
        model=model,
        answered=len(handoffs),
        rejected=_rejected(handoffs),
        rules=tuple(line for line in lines if line.by == RULE),
        fit=tuple(line for line in lines if line.by == FIT),
        campaigns=tuple(line for line in lines if line.by == CAMPAIGN),
        types=tuple(line for line in lines if line.by == TYPE),
        is_cut=is_cut,
        handoffs={key: tuple(handoff.pk for handoff in found) for key, found in under.items()},
    )


def handoffs_behind(found: Feedback, *, by: str, key: str, is_rejected: bool, user: User) -> list[Handoff]:
    """The handoffs of one line, or of all with `by` "", the latest first; only the rejected ones where asked."""
    rows = (
        Handoff.objects.visible_to(user)
        .filter(
            model_version=found.model.version,
            cause__in=[Handoff.Cause.THRESHOLD, Handoff.Cause.REQUEST],
            answered_at__isnull=False,
        )
        .select_related("contact__company", "reason", "assignee")
        .order_by("-formed_at", "-id")
    )
    if is_rejected:
        rows = rows.filter(state=HandoffState.REJECTED)
    return list(rows.filter(id__in=found.handoffs.get((by, key), ())) if by else rows[:MOST_HANDOFFS])


def versions_answered() -> list[ScoringModel]:
    """The versions that were ever in force, the newest first."""
    return list(ScoringModel.objects.exclude(status=ScoringModel.Status.DRAFT).order_by("-version"))


def _line(version: int, key: Key, name: str, own: Sequence[Handoff], everybody: Sequence[Handoff]) -> Line:
    counted = Counter(handoff.reason.label for handoff in own if _is_rejected(handoff) and handoff.reason)
    return Line(
        version=version,
        by=key[0],
        key=key[1],
        name=name,
        answered=len(own),
        rejected=_rejected(own),
        rest_answered=len(everybody) - len(own),
        rest_rejected=_rejected(everybody) - _rejected(own),
        reasons=tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))),
    )


def _is_rejected(handoff: Handoff) -> bool:
    return handoff.state == HandoffState.REJECTED


def _rejected(handoffs: Iterable[Handoff]) -> int:
    return sum(_is_rejected(handoff) for handoff in handoffs)


# Under what a handoff stands ------------------------------------------------------------------------------------------


def _placed(handoffs: Sequence[Handoff], rules: Rules) -> Iterator[tuple[Handoff, Key, str]]:
    """Each handoff with every rule, campaign and type that it stands under."""
    by_contact: dict[int, list[Handoff]] = defaultdict(list)
    for handoff in handoffs:
        by_contact[handoff.contact_id].append(handoff)
    contacts = {handoff.contact_id: handoff.contact for handoff in handoffs}
    rules.fetch(list(contacts.values()))
    pasts = pasts_of(list(contacts.values()))
    fit_ids = list(rules.model.fit_rules.values_list("id", flat=True))
    campaigns: dict[int, list[tuple[dt.datetime, int, str]]] = defaultdict(list)
    touches = Touch.objects.filter(contact_id__in=list(contacts), campaign__isnull=False)
    for contact_id, at, campaign_id, name in touches.values_list("contact_id", "at", "campaign_id", "campaign__name"):
        campaigns[contact_id].append((at, campaign_id, name))
    types = dict(ActivityType.objects.values_list("code", "name"))
    ledger = Activity.objects.filter(contact_id__in=list(contacts), bot_verdict=None)
    ordered = ledger.select_related("campaign").order_by("contact_id", "occurred_at", "id")
    done = {
        contact_id: list(rows)
        for contact_id, rows in groupby(ordered.iterator(chunk_size=2000), key=lambda row: row.contact_id)
    }
    for contact_id, own in by_contact.items():
        for handoff in own:
            at = handoff.formed_at
            known = [row for row in done.get(contact_id, ()) if row.occurred_at <= at and row.recorded_at <= at]
            yield from ((handoff, *one) for one in _by_rules(rules, known, pasts[contact_id], fit_ids, at=at))
            met = {(campaign_id, name) for since, campaign_id, name in campaigns[contact_id] if since <= at}
            yield from ((handoff, (CAMPAIGN, str(campaign_id)), name) for campaign_id, name in sorted(met))
            deeds = {row.type_id for row in known if row.direction == "inbound"}
            yield from ((handoff, (TYPE, code), types.get(code, code)) for code in sorted(deeds))


def _by_rules(
    rules: Rules, known: Sequence[Activity], past: Past, fit_ids: Sequence[int], *, at: dt.datetime
) -> Iterator[tuple[Key, str]]:
    _behind, terms = replay(rules, known)
    for rule_id, term in terms.items():
        if abs(engine.points_at(term, at)) >= LEAST_POINTS:
            yield (RULE, str(rule_id)), rules.by_id[rule_id].row.name
    get = past.getter(rules, at=at)
    for fit_id, check in zip(fit_ids, rules.fit, strict=False):
        if abs(check.points) >= LEAST_POINTS and matches(check.condition, get(check.field)):
            yield (FIT, str(fit_id)), check.name
