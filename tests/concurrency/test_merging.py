"""A merge while others write: whatever is recorded of either contact is with the one that is left."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from crm.models import User
from leads import services
from leads.models import Activity, Contact, Handoff
from tests.concurrency.conftest import Together
from tests.concurrency.test_writers import ROUNDS, WRITERS, ask_for_a_demo, visits

pytestmark = pytest.mark.django_db(transaction=True)


def begun(email: str) -> Contact:
    """A contact who came a moment ago."""
    pk = services.create_missing([services.NewContact(email)], at=timezone.now(), actor=None)[email]
    return Contact.objects.get(pk=pk)


def verified() -> str:
    out = StringIO()
    call_command("verify", stdout=out)
    return out.getvalue()


def test_a_merge_loses_nothing_that_writers_add_to_either(hands: Together, marketer: User) -> None:
    for number in range(ROUNDS):
        emails = [f"eva{number}@firm.example", f"eva{number}@mail.example"]
        kept, merged = (begun(email) for email in emails)
        at = timezone.now().isoformat()
        orders: list[dict[str, Any]] = [
            {"act": "record", "activities": [one for e in emails for one in visits(e, by=writer)], "at": at}
            for writer in range(WRITERS)
        ]
        orders.insert(number % WRITERS, {"act": "merge", "by": marketer.email, "kept": kept.pk, "merged": merged.pk})
        answers = hands(orders)
        assert answers.pop(number % WRITERS) == {"result": kept.pk}
        assert answers == [{"result": ["created"] * 6}] * WRITERS
        assert Activity.objects.filter(contact=kept).count() == 6 * WRITERS
        assert not Contact.objects.filter(pk=merged.pk).exists()
        assert Handoff.objects.open().filter(contact=kept).count() == 1
    assert verified().count("no differences") == 5, verified()


def test_two_who_merge_the_same_two_into_each_other_leave_one(hands: Together, marketer: User, manager: User) -> None:
    for number in range(ROUNDS):
        one, other = begun(f"ivo{number}@firm.example"), begun(f"ivo{number}@mail.example")
        answers = hands(
            [
                {"act": "merge", "by": marketer.email, "kept": one.pk, "merged": other.pk},
                {"act": "merge", "by": manager.email, "kept": other.pk, "merged": one.pk},
            ]
        )
        assert sorted(next(iter(answer)) for answer in answers) == ["refused", "result"]
        assert Contact.objects.filter(pk__in=[one.pk, other.pk]).count() == 1


def test_a_verb_on_the_handoff_of_a_contact_that_is_merged_finds_it(
    hands: Together, marketer: User, manager: User, salesperson: User
) -> None:
    for number in range(ROUNDS):
        handoff, kept = ask_for_a_demo(f"ada{number}"), begun(f"ada{number}@mail.example")
        approved, merged = hands(
            [
                {
                    "act": "verb",
                    "name": "approve",
                    "by": manager.email,
                    "handoff_id": handoff.pk,
                    "assignee_email": salesperson.email,
                },
                {"act": "merge", "by": marketer.email, "kept": kept.pk, "merged": handoff.contact_id},
            ]
        )
        assert (approved, merged) == ({"result": "offered"}, {"result": kept.pk})
        handoff.refresh_from_db()
        assert (handoff.contact, handoff.state) == (kept, "offered")
