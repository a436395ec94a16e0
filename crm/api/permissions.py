"""Who may do what with a resource; which rows they may do it to is the queryset's business."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from crm.models import Role

MARKETING = (Role.MARKETER, Role.MANAGER, Role.ADMIN)
MANAGEMENT = (Role.MANAGER, Role.ADMIN)


class HasRole(BasePermission):
    """Lets an action through for the roles that the view's `roles` names; one not named there is for everybody."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        allowed = getattr(view, "roles", {}).get(getattr(view, "action", None))
        if allowed is None or request.user.has_role(*allowed):
            return True
        names = _(", ").join(str(Role(role).label) for role in allowed)
        self.message = _("That is for somebody else to do: %(who)s.") % {"who": names}
        return False
