"""A page speaks the language of the person who is logged in, and tells the time of their time zone."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone, translation

from crm import middleware
from crm.models import User

pytestmark = pytest.mark.django_db


def seen_by(user: User | AnonymousUser) -> tuple[str, str]:
    """The language and the time zone in which a view runs for `user`."""
    found = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append((translation.get_language(), timezone.get_current_timezone_name()))
        return HttpResponse()

    request = RequestFactory().get("/")
    request.user = user
    with translation.override("en"):
        middleware.personal(view)(request)
    return found[0]


def test_a_person_sees_their_language_and_time_zone(marketer: User) -> None:
    marketer.language = "fi"
    marketer.time_zone = "Europe/Sofia"
    assert seen_by(marketer) == ("fi", "Europe/Sofia")
    assert timezone.get_current_timezone_name() == timezone.get_default_timezone_name()


def test_a_stranger_sees_the_installations_time_zone() -> None:
    assert seen_by(AnonymousUser()) == ("en", timezone.get_default_timezone_name())
