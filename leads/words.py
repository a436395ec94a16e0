"""The words people read for the codes of `leads.stages`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from leads.outcomes import Outcome
from leads.stages import HandoffState, ReasonKind, Stage, VerbName

STAGES = {
    Stage.SUBSCRIBER: _("Subscriber"),
    Stage.LEAD: _("Lead"),
    Stage.MQL: _("MQL"),
    Stage.SQL: _("SQL"),
    Stage.OPPORTUNITY: _("Opportunity"),
    Stage.CUSTOMER: _("Customer"),
}

# As they stand behind a number; put through `ngettext` where they are read.
STAGE_NOUNS = {
    Stage.SUBSCRIBER: (gettext_noop("subscriber"), gettext_noop("subscribers")),
    Stage.LEAD: (gettext_noop("lead"), gettext_noop("leads")),
    Stage.MQL: (gettext_noop("MQL"), gettext_noop("MQLs")),
    Stage.SQL: (gettext_noop("SQL"), gettext_noop("SQLs")),
    Stage.OPPORTUNITY: (gettext_noop("opportunity"), gettext_noop("opportunities")),
    Stage.CUSTOMER: (gettext_noop("customer"), gettext_noop("customers")),
}

# The words that both teams agree on, and what they mean until somebody writes it otherwise.
DEFINED = {
    **{stage.value: label for stage, label in STAGES.items()},
    "hot": pgettext_lazy("tag of a lead", "Hot"),
    "cold": pgettext_lazy("tag of a lead", "Cold"),
}
DEFINITIONS = {
    "subscriber": _("Reads what we send, and has shown no interest of their own yet. Marketing's."),
    "lead": _(
        "Has done something that shows interest: sent a form, downloaded, attended, answered. Marketing warms them."
    ),
    "mql": _(
        "Ready for sales in marketing's eyes: the score crossed the threshold, or they asked to be contacted. "
        "Marketing reviews them, sales answers within the promised time."
    ),
    "sql": _(
        "A salesperson has accepted them and talks to them, to find out about budget, authority, need and timeline."
    ),
    "opportunity": _("Has an offer in money from us, and decides about it."),
    "customer": _("Has bought."),
    "hot": _("The score is above the hot threshold: to be called first, on the same day."),
    "cold": _("Nothing was heard from them for a long time, or the score fell back below the cooling threshold."),
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

# What came of a lead that marketing handed over.
OUTCOMES = {
    Outcome.CUSTOMER: _("Became a customer"),
    Outcome.WORKING: _("Still being worked"),
    Outcome.UNQUALIFIED: _("Not properly qualified"),
}

REASON_KINDS = {
    ReasonKind.RETURN: pgettext_lazy("reason for", "Return to nurturing"),
    ReasonKind.REJECT: pgettext_lazy("reason for", "Rejection by sales"),
    ReasonKind.RECYCLE: pgettext_lazy("reason for", "Recycling"),
    ReasonKind.WON: pgettext_lazy("reason for", "Won"),
    ReasonKind.LOST: pgettext_lazy("reason for", "Lost"),
    ReasonKind.DISQUALIFY: pgettext_lazy("reason for", "Disqualification"),
    ReasonKind.MERGE: pgettext_lazy("reason for", "Merging"),
    ReasonKind.REDIRECT: pgettext_lazy("reason for", "Somebody else decides"),
}

DIRECTIONS = {"inbound": _("Inbound"), "outbound": _("Outbound")}

# What somebody did, after their name: "Katarzyna Zielińska approved".
DEEDS = {
    VerbName.CROSS: pgettext_lazy("deed", "crossed the threshold"),
    VerbName.REQUEST: pgettext_lazy("deed", "asked to be contacted"),
    VerbName.OUTBOUND: pgettext_lazy("deed", "was chosen by outbound"),
    VerbName.PROSPECT: pgettext_lazy("deed", "brought this prospect"),
    VerbName.APPROVE: pgettext_lazy("deed", "approved"),
    VerbName.OFFER: pgettext_lazy("deed", "offered"),
    VerbName.RETURN: pgettext_lazy("deed", "returned"),
    VerbName.ACCEPT: pgettext_lazy("deed", "accepted"),
    VerbName.REJECT: pgettext_lazy("deed", "rejected"),
    VerbName.REASSIGN: pgettext_lazy("deed", "reassigned"),
    VerbName.HAND_OVER: pgettext_lazy("deed", "handed over"),
    VerbName.OVERFLOW: pgettext_lazy("deed", "passed on to another team"),
    VerbName.RECYCLE: pgettext_lazy("deed", "recycled"),
    VerbName.REDIRECT: pgettext_lazy("deed", "passed on to the right person"),
    VerbName.OPEN_OPPORTUNITY: pgettext_lazy("deed", "made an offer"),
    VerbName.WIN: pgettext_lazy("deed", "won"),
    VerbName.LOSE: pgettext_lazy("deed", "lost"),
    VerbName.DISQUALIFY: pgettext_lazy("deed", "disqualified"),
    VerbName.REQUALIFY: pgettext_lazy("deed", "requalified"),
    VerbName.MERGE: pgettext_lazy("deed", "merged"),
    VerbName.UNDO: pgettext_lazy("deed", "took it back"),
}
