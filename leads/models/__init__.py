from leads.models.activities import Activity, ActivityType, Campaign, Touch
from leads.models.contacts import Company, Contact, ContactChange, Source, StageChange
from leads.models.handoffs import Handoff, HandoffEvent, Opportunity, Reason
from leads.models.imports import Import

__all__ = [
    "Activity",
    "ActivityType",
    "Campaign",
    "Company",
    "Contact",
    "ContactChange",
    "Handoff",
    "HandoffEvent",
    "Import",
    "Opportunity",
    "Reason",
    "Source",
    "StageChange",
    "Touch",
]
