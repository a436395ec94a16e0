"""The words people read for the codes of `leads.stages`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from leads.stages import HandoffState, ReasonKind, Stage

STAGES = {
    Stage.SUBSCRIBER: _("Subscriber"),
    Stage.LEAD: _("Lead"),
    Stage.MQL: _("MQL"),
    Stage.SQL: _("SQL"),
    Stage.OPPORTUNITY: _("Opportunity"),
    Stage.CUSTOMER: _("Customer"),
}

HANDOFF_STATES = {
    HandoffState.IN_REVIEW: _("In review"),
    HandoffState.WAITING: _("Waiting for capacity"),
    HandoffState.OFFERED: _("Offered"),
    HandoffState.ACCEPTED: _("Accepted"),
    HandoffState.RETURNED: _("Returned"),
    HandoffState.REJECTED: _("Rejected"),
    HandoffState.RECYCLED: _("Recycled"),
    HandoffState.CLOSED: _("Closed"),
}

REASON_KINDS = {
    ReasonKind.RETURN: pgettext_lazy("reason for", "Return to nurturing"),
    ReasonKind.REJECT: pgettext_lazy("reason for", "Rejection by sales"),
    ReasonKind.RECYCLE: pgettext_lazy("reason for", "Recycling"),
    ReasonKind.WON: pgettext_lazy("reason for", "Won"),
    ReasonKind.LOST: pgettext_lazy("reason for", "Lost"),
    ReasonKind.DISQUALIFY: pgettext_lazy("reason for", "Disqualification"),
}

DIRECTIONS = {"inbound": _("Inbound"), "outbound": _("Outbound")}
