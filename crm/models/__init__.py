from crm.models.departures import Departure
from crm.models.notices import Delivery, Notice, OptOut
from crm.models.people import ApiKey, Role, Team, User, UserRole
from crm.models.webhooks import Webhook

__all__ = ["ApiKey", "Delivery", "Departure", "Notice", "OptOut", "Role", "Team", "User", "UserRole", "Webhook"]
