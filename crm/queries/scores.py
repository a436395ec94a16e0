"""Scores, for the interfaces of apps that do not know how scores are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import scoring.queries
from leads.models import Contact
from scoring.queries import Explanation, LiveScore
from scoring.services import Rules, published_rules


def rules_in_force() -> Rules:
    """The published rules, for a page that asks several questions of them."""
    return published_rules()


def live_scores(contacts: Sequence[Contact], *, at: dt.datetime) -> dict[int, LiveScore]:
    """The scores of the contacts of one page at `at`, by contact id, in a constant number of queries."""
    return scoring.queries.live_scores(contacts, at=at)


def course(contact: Contact, *, since: dt.datetime, at: dt.datetime) -> list[tuple[dt.datetime, float]]:
    """The score of `contact` evenly from `since` to `at`, by the rules in force."""
    return scoring.queries.course(contact, since=since, at=at)


def explanation(contact: Contact, *, at: dt.datetime) -> Explanation:
    """Why the score of `contact` at `at` is what it is."""
    return scoring.queries.explain(contact, at=at)
