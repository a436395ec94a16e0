"""The style guide and the choice of a theme."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def aino() -> User:
    return User.objects.create_user(
        "aino@example.com", "a long enough word", name="Aino Korhonen", roles=("marketer",), time_zone="Europe/Helsinki"
    )


def test_the_style_guide_asks_for_a_login(client: Client):
    response = client.get("/style-guide/")
    assert response.status_code == 302
    assert response.url.startswith("/login/")


def test_the_style_guide_shows_every_part(client: Client, aino: User):
    client.force_login(aino)
    page = client.get("/style-guide/").content.decode()
    assert "1 h 32 min late" in page
    assert "The same as a table" in page
    assert "Helsinki" in page
    assert 'aria-label="Main menu"' in page


def test_the_style_guide_shows_a_refused_form(client: Client, aino: User):
    client.force_login(aino)
    page = client.get("/style-guide/", {"errors": "1"}).content.decode()
    assert "Nothing was saved yet." in page
    assert 'aria-invalid="true"' in page


def test_a_chosen_theme_is_kept(client: Client, aino: User):
    client.force_login(aino)
    response = client.post("/theme/", {"theme": "dark", "next": "/style-guide/"})
    assert response.url == "/style-guide/"
    assert 'data-theme="dark"' in client.get("/style-guide/").content.decode().split("<head>")[0]
    client.post("/theme/", {"theme": ""})
    assert "data-theme" not in client.get("/style-guide/").content.decode().split("<head>")[0]


def test_choosing_a_theme_never_leads_to_another_site(client: Client):
    assert client.post("/theme/", {"theme": "dark", "next": "https://elsewhere.example/"}).url == "/"


def test_a_theme_is_chosen_by_post_only(client: Client):
    assert client.get("/theme/").status_code == 405
