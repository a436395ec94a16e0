"""Who is behind a session."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from crm.models import User, UserRole


class PersonBackend(ModelBackend):
    """Finds the person of a session together with their roles and team, which every page asks for: one query."""

    def get_user(self, user_id: Any) -> User | None:
        roles = list(UserRole.objects.filter(user=user_id).select_related("user__team"))
        user = roles[0].user if roles else User.objects.filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        # Where `role_rows` is looked up, as if it had been prefetched.
        user._prefetched_objects_cache = {"role_rows": roles}  # type: ignore[attr-defined]
        return user
