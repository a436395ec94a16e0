"""What sales has found out about the leads of the salesperson who logs in, and what both teams say about them."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from crm import flows
from crm.demo.replay import Replay
from crm.models import User
from leads.models import Handoff

HOURS_AGO = 0.8
# Days until they decide: in the window, before it, past it.
FOUND: tuple[tuple[int, dict[str, tuple[str, str]]], ...] = (
    (
        54,
        {
            "need": ("confirmed", "Six docks, lorries wait 40 minutes, fines from two customers."),
            "budget": ("partly", "The CFO is for it; the board meets in December."),
            "timeline": ("confirmed", "Wants to run by spring."),
        },
    ),
    (
        140,
        {
            "authority": ("confirmed", "Signs himself up to 20,000 €."),
            "timeline": ("partly", "Moves the warehouse first."),
        },
    ),
    (9, {"timeline": ("confirmed", "The tender closes then."), "budget": ("no", "Spent for this year.")}),
)
ASKED = "They open a second site in spring. @{seller}, ask about the gate there too."
ANSWERED = "I will. @{marketer}, do we have the floor plan from the fair?"


def plan(replay: Replay, *, seller: User) -> None:
    """Plan what `seller` found out about three accepted leads, and a talk about the one they have to answer next."""
    replay.plan(replay.before(HOURS_AGO), partial(_find_out, seller))
    replay.plan(replay.before(HOURS_AGO / 2), partial(_talk, seller))


def _find_out(seller: User, at: dt.datetime) -> None:
    accepted = Handoff.objects.filter(assignee=seller, state="accepted").order_by("-id")
    for handoff, (days, verdicts) in zip(accepted, FOUND, strict=False):
        answers: dict[str, dict[str, Any]] = {
            letter: {"verdict": verdict, "evidence": evidence} for letter, (verdict, evidence) in verdicts.items()
        }
        answers["timeline"]["decide_by_date"] = (at + dt.timedelta(days=days)).date()
        flows.qualify(actor=seller, contact_id=handoff.contact_id, answers=answers, at=at)


def _talk(seller: User, at: dt.datetime) -> None:
    offered = Handoff.objects.filter(assignee=seller, state="offered", reviewed_by__isnull=False)
    handoff = offered.select_related("reviewed_by").order_by("-id").first()
    if handoff is None or handoff.reviewed_by is None:
        return
    marketer = handoff.reviewed_by
    said = ((marketer, ASKED), (seller, ANSWERED))
    for number, (author, words) in enumerate(said):
        text = words.format(seller=seller.name, marketer=marketer.name)
        flows.comment(actor=author, handoff_id=handoff.pk, text=text, at=at + dt.timedelta(minutes=4 * number))
