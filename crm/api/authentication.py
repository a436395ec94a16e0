"""API keys: `Authorization: Bearer KEY`."""

from __future__ import annotations

from django.db.models import F
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from crm.models import ApiKey, User


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the user behind a key. An unknown, revoked or orphaned key is answered with 401."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _space, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        # Together with the roles, which every request asks for: the key once for each of them, in their order.
        keys = list(
            ApiKey.objects.select_related("user")
            .filter(digest=ApiKey.digest_of(secret.strip()), revoked_at=None, user__is_active=True)
            .annotate(role=F("user__role_rows__role"))
            .order_by("user__role_rows__position")
        )
        if not keys:
            raise AuthenticationFailed(_("This API key is unknown or was revoked."))
        key = keys[0]
        key.user.roles = [one.role for one in keys if one.role]
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Tells the OpenAPI schema of the key."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
