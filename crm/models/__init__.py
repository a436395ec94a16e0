from crm.models.notices import Delivery, Notice
from crm.models.people import ApiKey, Role, Team, User, UserRole
from crm.models.webhooks import Webhook

__all__ = ["ApiKey", "Delivery", "Notice", "Role", "Team", "User", "UserRole", "Webhook"]
