"""Who may open a page, and what a page answers when the domain says no."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import defaults

from crm.errors import Conflict, Forbidden, NotFound
from crm.models import Role, User

View = Callable[..., HttpResponseBase]


def roles_required(*roles: Role) -> Callable[[View], View]:
    """Answer 403, with a sentence that names the roles, unless the person holds one of `roles`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not person(request).has_role(*roles):
                names = ", ".join(str(role.label).lower() for role in roles)
                raise PermissionDenied(_("This page is for these roles: %(names)s.") % {"names": names})
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def person(request: HttpRequest) -> User:
    """The person who is logged in. Every page but the login asks for one, so there always is."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied(_("Sign in first."))
    return user


class Refusals:
    """Middleware: what the domain refuses and no view has put into words itself becomes 404, 403 or 409."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page of a refusal; None for everything else."""
        if isinstance(exception, NotFound):
            return defaults.page_not_found(request, exception)
        if isinstance(exception, Forbidden):
            return defaults.permission_denied(request, exception)
        if isinstance(exception, Conflict):
            return render(request, "errors/409.html", {"exception": exception}, status=409)
        return None
