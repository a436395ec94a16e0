"""What every page's template knows: the navigation of the person, and the theme they chose."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from crm.models import User
from crm.navigation import Navigation, navigation_for
from crm.queries import navigation as navigation_queries
from leads import definitions

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`navigation`, counted only if a template shows it, `theme`: "light", "dark" or "" for the system's, and
    `meanings`, what the agreed words mean, asked for by the first word that is shown."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    known: dict[str, Any] = {"theme": theme if theme in THEMES else ""}
    known["meanings"] = SimpleLazyObject(definitions.meanings)
    user = getattr(request, "user", None)
    if isinstance(user, User):
        known["navigation"] = SimpleLazyObject(lambda: _navigation(user=user, path=request.path))
    return known


def _navigation(*, user: User, path: str) -> Navigation:
    counts = navigation_queries.navigation_counts(user=user)
    return navigation_for(roles=user.roles, path=path, counts=counts)
