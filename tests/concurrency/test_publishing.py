"""A publication beside eight writers, twice at once, and killed in the middle: everybody promoted exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from crm import flows
from crm.flows import publishing
from crm.models import User
from crm.queries.verify import score_differences
from leads.models import Contact, Handoff
from scoring.models import Publication, Score
from sla.models import Timer
from tests.concurrency.conftest import Together

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 8
PEOPLE = 400


def email(number: int) -> str:
    return f"p{number}@firm.example"


@pytest.fixture
def publication(marketer: User) -> Publication:
    """A version under which every download is enough, published over four hundred who downloaded once."""
    now = timezone.now()
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="content_download",
                occurred_at=now,
                external_id=f"d{number}",
                contact=flows.ContactIn(email=email(number)),
            )
            for number in range(PEOPLE)
        ],
        by=None,
        actor=None,
        at=now,
    )
    model = publishing.draft_from(actor=marketer, model_id=None, at=now)
    rules = [
        {"name": "Downloads", "type": "content_download", "points": 70},
        {"name": "Visits", "type": "page_view", "points": 5, "cap": 20},
    ]
    publishing.save_rules(actor=marketer, model_id=model.pk, values={"activity_rules": rules}, at=now)
    return publishing.publish(actor=marketer, model_id=model.pk, at=now)


def everybody_was_promoted_once() -> None:
    handed = list(Handoff.objects.values_list("contact_id", flat=True))
    assert len(handed) == len(set(handed)) == Contact.objects.count()
    assert set(Contact.objects.values_list("stage", flat=True)) == {"mql"}
    assert Timer.objects.filter(milestone="review").count() == len(handed)
    assert not Score.objects.filter(is_armed=True).exists()
    assert list(score_differences()) == []


def test_beside_eight_writers_and_a_second_runner_everybody_is_promoted_once(
    hands: Together, publication: Publication
) -> None:
    at = timezone.now().isoformat()
    job: dict[str, Any] = {"act": "publication", "publication_id": publication.pk, "at": at}
    orders = [job, job]
    for writer in range(WRITERS):
        # Each of them tells of everybody, and of some whom nobody knew.
        numbers = [*range(0, PEOPLE, 2), *range(PEOPLE + writer, PEOPLE + 40, WRITERS)]
        told = [
            {"type": kind, "external_id": f"{kind}{writer}-{number}", "email": email(number)}
            for number in numbers
            for kind in ("page_view", "content_download")
        ]
        orders.append({"act": "record", "activities": told, "at": at})
    answers = hands(orders)
    assert all("result" in answer for answer in answers), answers
    done = publishing.run_publication(publication_id=publication.pk, at=timezone.now())
    assert (done.state, done.error) == ("done", "")
    assert Contact.objects.count() == PEOPLE + 40
    everybody_was_promoted_once()


def test_a_job_that_is_killed_goes_on_where_it_was(publication: Publication, variables: dict[str, str]) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.utils import timezone\n"
        "from crm.flows import publishing\n"
        "publishing.BATCH = 10\n"
        f"publishing.run_publication(publication_id={publication.pk}, at=timezone.now())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR, env=variables)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            publication.refresh_from_db()
            if publication.done >= 30:
                break
            time.sleep(0.005)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    publication.refresh_from_db()
    assert process.returncode == -signal.SIGKILL
    assert 30 <= publication.done < PEOPLE
    assert publication.state == "running"
    assert Handoff.objects.count() == publication.promoted == publication.done
    later = timezone.now() + publishing.LEASE
    assert publishing.publications_to_resume(at=later) == [publication.pk]
    done = publishing.run_publication(publication_id=publication.pk, at=later)
    assert (done.state, done.done, done.promoted) == ("done", PEOPLE, PEOPLE)
    everybody_was_promoted_once()
