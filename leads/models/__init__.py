from leads.models.activities import Activity, ActivityType, BotVerdict, Campaign, Touch
from leads.models.comments import HandoffComment
from leads.models.contacts import Company, Contact, ContactChange, Source, StageChange
from leads.models.definitions import DefinitionVersion, HandoverRule
from leads.models.handoffs import Handoff, HandoffEvent, Opportunity, OpportunityEvent, Reason
from leads.models.imports import Import, ImportedContact
from leads.models.merges import ContactAddress, Merge
from leads.models.outbounds import Outbound, OutboundContact
from leads.models.qualification import Persona, Qualification
from leads.models.referrals import Referral
from leads.models.routing import Rotation, RotationShare, RotationTurn, RoutingMember, RoutingRule, RoutingSettings
from leads.models.segments import Segment
from leads.models.tasks import Task, TaskEvent, TaskKind
from leads.models.windows import LeadTimeSetting

__all__ = [
    "Activity",
    "ActivityType",
    "BotVerdict",
    "Campaign",
    "Company",
    "Contact",
    "ContactAddress",
    "ContactChange",
    "DefinitionVersion",
    "Handoff",
    "HandoffComment",
    "HandoffEvent",
    "HandoverRule",
    "Import",
    "ImportedContact",
    "LeadTimeSetting",
    "Merge",
    "Opportunity",
    "OpportunityEvent",
    "Outbound",
    "OutboundContact",
    "Persona",
    "Qualification",
    "Reason",
    "Referral",
    "Rotation",
    "RotationShare",
    "RotationTurn",
    "RoutingMember",
    "RoutingRule",
    "RoutingSettings",
    "Segment",
    "Source",
    "StageChange",
    "Task",
    "TaskEvent",
    "TaskKind",
    "Touch",
]
