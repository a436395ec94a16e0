from crm.models.departures import Departure
from crm.models.notices import Delivery, Notice, OptOut
from crm.models.people import ApiKey, Role, Team, User, UserRole
from crm.models.saved_filters import FilteredPage, SavedFilter
from crm.models.webhooks import Webhook

__all__ = [
    "ApiKey",
    "Delivery",
    "Departure",
    "FilteredPage",
    "Notice",
    "OptOut",
    "Role",
    "SavedFilter",
    "Team",
    "User",
    "UserRole",
    "Webhook",
]
