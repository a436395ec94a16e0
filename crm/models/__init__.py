from crm.models.notices import Delivery, Notice
from crm.models.people import ApiKey, Role, Team, User, UserRole

__all__ = ["ApiKey", "Delivery", "Notice", "Role", "Team", "User", "UserRole"]
