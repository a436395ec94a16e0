"""What stands in every request's way."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm import setup
from crm.models import User

ALWAYS_OPEN = ("/healthz", "/readyz", "/metrics")


def setting_up(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 503 while the demo is being made, so that nobody enters data into a demo that may have to be made anew."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if setup.is_demo_pending(data_dir=settings.DATA_DIR) and request.path not in ALWAYS_OPEN:
            text = _("Baton is being set up with its demo. Load this page again in a minute.")
            if request.path.startswith("/api/"):
                problem = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": text}
                return JsonResponse(
                    problem, status=503, content_type="application/problem+json", headers={"Retry-After": "10"}
                )
            return HttpResponse(
                text,
                status=503,
                content_type="text/plain; charset=utf-8",
                headers={"Retry-After": "10", "Refresh": "5"},
            )
        return get_response(request)

    return middleware


def personal(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Show every page in the language and time zone of the person who is logged in."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):  # somebody who is not logged in
            return get_response(request)
        translation.activate(user.language)
        with timezone.override(user.time_zone):
            return get_response(request)

    return middleware
