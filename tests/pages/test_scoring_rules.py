"""The rules of the score as sentences."""

import re

import pytest
from django.utils.html import strip_tags

from scoring.models import ScoringModel
from tests.pages.sales_work import TUESDAY, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


def words(answer) -> str:
    text = re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r" ([.,:;])", r"\1", text)


def test_every_rule_is_a_sentence_with_its_contacts(browsing, marketer):
    ask("eva", at=TUESDAY)
    answer = browsing(marketer).get("/scoring/")
    page = words(answer)
    assert "a contact becomes an MQL at 60 points and is hot at 90." in page
    assert "Asks for a demo Demo request; together at most 35; halved every 14 days; promotes at once" in page
    assert "Page view, where path begins with /pricing; together at most 20; halved every 14 days." in page
    assert "each mail counts once in 7 days" in page
    assert "together at least −25; halved every 90 days" in page
    assert "Number of people in the company is between 200 and 1,000." in page
    assert "Country is one of FI, PL, BG, SI." in page
    assert "Standard, published" in page
    href = re.search(r'href="(/contacts/\?rule=\d+)">1<', answer.content.decode())[1]
    assert "Eva Novak" in words(browsing(marketer).get(href))


def test_another_version_says_that_it_is_not_in_force(browsing, marketer, administrator):
    ScoringModel.objects.create(
        name="Draft", version=2, mql_threshold=70, reference_at=TUESDAY, created_at=TUESDAY, note="Stricter."
    )
    client = browsing(marketer)
    page = words(client.get("/scoring/?version=2"))
    assert "Version 2 is not in force: scores are made by version 1." in page
    assert "MQL at 70 points" in page and "No rule counts what contacts do." in page
    assert client.get("/scoring/?version=9").status_code == 404
    assert "Version 1:" in words(client.get("/scoring/?version=x"))


def test_who_may_read_them(browsing, marketer, salesperson, manager, administrator):
    for user, status in ((marketer, 200), (salesperson, 403), (manager, 200), (administrator, 200)):
        assert browsing(user).get("/scoring/").status_code == status
    assert browsing(marketer).post("/scoring/").status_code == 405
