"""Filters of the queue kept under a name: used by whom they are shared with, changed by whose they are."""

import re

import pytest
from django.db import IntegrityError, transaction
from django.utils.html import strip_tags

from crm.flows import saved_filters
from crm.models import SavedFilter
from tests.pages.sales_work import TUESDAY, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
LATE = {"query": "due=late&nonsense=1", "name": "Late ones"}


def words(answer):
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))


def chips(answer):
    return re.findall(r'class="chip" href="([^"]+)"[^>]*>([^<]+)<', answer.content.decode())


def test_a_filter_is_kept_used_renamed_and_forgotten(browsing, marketer):
    client = browsing(marketer)
    assert chips(client.get("/queue/")) == []
    answer = client.post("/queue/filters/new/", LATE)
    assert (answer.status_code, answer.url) == (303, "/queue/?due=late")
    row = SavedFilter.objects.get()
    assert (row.user, row.query, row.is_shared, row.is_default) == (marketer, "due=late", False, False)
    page = client.get("/queue/?due=late")
    assert chips(page) == [("/queue/?due=late", "Late ones")] and "aria-current" in page.content.decode()
    assert "Keep this filter under a name" in words(page)
    answer = client.post(f"/queue/filters/{row.pk}/", {"name": "Overdue"})
    assert answer.status_code == 303 and chips(client.get("/queue/"))[0][1] == "Overdue"
    client.post("/queue/filters/new/", {"query": "hot=1", "name": "OVERDUE"})
    assert chips(client.get("/queue/")) == [("/queue/?hot=1", "OVERDUE")]
    assert client.post(f"/queue/filters/{row.pk}/delete/").status_code == 303
    assert not SavedFilter.objects.exists()


def test_a_shared_filter_is_everybodys_to_use_and_its_owners_to_change(browsing, marketer, manager):
    browsing(marketer).post("/queue/filters/new/", LATE | {"is_shared": "on"})
    browsing(marketer).post("/queue/filters/new/", {"query": "hot=1", "name": "Mine"})
    row = SavedFilter.objects.get(name="Late ones")
    client = browsing(manager)
    assert chips(client.get("/queue/")) == [("/queue/?due=late", "Late ones")]
    assert "Shared by Mira Marketer" in client.get("/queue/").content.decode()
    assert client.get(f"/queue/filters/{row.pk}/").status_code == 404
    assert client.post(f"/queue/filters/{row.pk}/", {"name": "x"}).status_code == 404
    assert client.post(f"/queue/filters/{row.pk}/delete/").status_code == 404
    assert client.get(f"/queue/filters/{row.pk}/delete/").status_code == 405


def test_the_queue_opens_with_the_chosen_one_and_all_are_a_step_away(browsing, marketer):
    ask(at=TUESDAY)
    client = browsing(marketer)
    client.post("/queue/filters/new/", LATE | {"is_default": "on"})
    client.post("/queue/filters/new/", {"query": "hot=1", "name": "Hot", "is_default": "on"})
    assert SavedFilter.objects.get(is_default=True).name == "Hot"
    assert client.get("/queue/").url == "/queue/?hot=1"
    everything = client.get("/queue/?tab=review")
    assert everything.status_code == 200 and "Eva Novak" in words(everything)
    assert client.get("/queue/", HTTP_HX_REQUEST="true").status_code == 200
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedFilter.objects.update(is_default=True)


def test_what_cannot_be_kept_is_refused_in_place(browsing, marketer, salesperson):
    client = browsing(marketer)
    for given, text in (
        (LATE | {"name": " "}, "This field is required."),
        (LATE | {"query": "nonsense=1"}, "Choose a filter first"),
        (LATE | {"name": "x" * 61}, "at most 60 characters"),
    ):
        answer = client.post("/queue/filters/new/", given)
        assert answer.status_code == 422 and text in words(answer)
    for number in range(saved_filters.MOST):
        client.post("/queue/filters/new/", LATE | {"name": f"Filter {number}"})
    assert "Remove one first." in words(client.post("/queue/filters/new/", LATE))
    row = SavedFilter.objects.first()
    taken = client.post(f"/queue/filters/{row.pk}/", {"name": "filter 3"})
    assert taken.status_code == 422 and "another filter under this name" in words(taken)
    assert browsing(salesperson).post("/queue/filters/new/", LATE).status_code == 403
