"""The way in: sign in, and the first page of each role."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from crm.access import person
from crm.models import User
from crm.navigation import navigation_for

DEMO_LOGINS = ("marketer@demo.example", "sales@demo.example", "manager@demo.example", "admin@demo.example")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send everybody to the first page of their first role."""
    found = navigation_for(roles=person(request).roles, path="/", counts={}).home
    # Without a role there is no entry; the list of contacts is empty then, and says so.
    return HttpResponseRedirect(found if found != "/" else "/contacts/")


class SignIn(LoginView):
    """The login page; in the demo it names the demo's people."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add `demo_logins`, empty outside the demo."""
        context = super().get_context_data(**kwargs)
        if settings.IS_EMBEDDED:
            there = set(User.objects.filter(email__in=DEMO_LOGINS, is_active=True).values_list("email", flat=True))
            context["demo_logins"] = [email for email in DEMO_LOGINS if email in there]
        return context
