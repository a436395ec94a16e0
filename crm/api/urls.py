"""Every address of the API, version 1."""

from django.urls import URLPattern, URLResolver, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from crm.api.alerts import AlertResource
from crm.api.docs import Docs
from crm.api.inbox import InboxResource
from crm.api.outbounds import OutboundResource
from crm.api.people import PersonResource
from crm.api.views import NothingHere, Root
from crm.api.webhooks import WebhookResource
from leads.api.activities import ActivityResource
from leads.api.campaigns import CampaignResource
from leads.api.codes import ActivityTypeResource, SourceResource
from leads.api.companies import CompanyResource
from leads.api.contacts import ContactResource
from leads.api.definitions import DefinitionResource
from leads.api.handoffs import HandoffResource
from leads.api.handover_rules import HandoverRuleResource
from leads.api.imports import ImportResource
from leads.api.opportunities import OpportunityResource
from leads.api.personas import PersonaResource
from leads.api.reasons import ReasonResource
from leads.api.routing import RoutingRuleResource
from leads.api.segments import SegmentResource
from leads.api.tasks import TaskResource
from scoring.api.models import ScoringModelResource
from sla.api.calendars import CalendarResource
from sla.api.policies import PolicyResource
from sla.api.timers import TimerResource

RESOURCES = {
    "contacts": ContactResource,
    "companies": CompanyResource,
    "activities": ActivityResource,
    "handoffs": HandoffResource,
    "opportunities": OpportunityResource,
    "tasks": TaskResource,
    "campaigns": CampaignResource,
    "outbounds": OutboundResource,
    "personas": PersonaResource,
    "segments": SegmentResource,
    "scoring-models": ScoringModelResource,
    "routing-rules": RoutingRuleResource,
    "policies": PolicyResource,
    "calendars": CalendarResource,
    "timers": TimerResource,
    "alerts": AlertResource,
    "imports": ImportResource,
    "webhooks": WebhookResource,
    "people": PersonResource,
    "activity-types": ActivityTypeResource,
    "definitions": DefinitionResource,
    "reasons": ReasonResource,
    "handover-rules": HandoverRuleResource,
    "sources": SourceResource,
}


class Router(DefaultRouter):
    """Addresses that end with a slash, and no formats in them: JSON is the only one."""

    include_format_suffixes = False
    APIRootView = Root


router = Router()
for name, resource in RESOURCES.items():
    router.register(name, resource, basename=f"api-{name}")

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", Docs.as_view(), name="api-docs"),
    path("inbox/", InboxResource.as_view(), name="api-inbox"),
    *router.urls,
    re_path("", NothingHere.as_view(), name="api-nothing"),
]
