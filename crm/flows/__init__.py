"""The use cases that cross the apps, one function each, one transaction each, contacts locked first in id order.

The only place that orders steps. Interfaces call these; nothing below calls up.

What happens to contacts and handoffs is re-exported here, and called as `flows.accept(…)`. What is set up beside them
(the rules of the score, personas, promises, people, settings) is called by its module: `publishing.publish(…)`.
"""

from crm.flows.activities import ActivityIn, ContactIn, Recorded, log_contact, record_activities
from crm.flows.clocks import pause_clocks, resume_clocks, sweep_timers
from crm.flows.companies import create_company, edit_company
from crm.flows.contacts import (
    create_contact,
    disqualify,
    edit_contact,
    qualify,
    requalify,
    resurface_due,
    touch_contact,
)
from crm.flows.conversation import comment
from crm.flows.handoffs import accept, approve, offer, overflow, reassign, reject, return_to_marketing
from crm.flows.imports import imports_to_resume, retry_import, run_import, start_import
from crm.flows.merging import merge_contacts
from crm.flows.opportunities import AfterLoss, lose_opportunity, open_opportunity, win_opportunity
from crm.flows.recycling import recycle
from crm.flows.referrals import redirect
from crm.flows.scores import adjust_score, rescore, sweep_scores
from crm.flows.talks import (
    change_opportunity,
    move_opportunity,
    rate_satisfaction,
    suggest_case_study,
    undo_opportunity,
)
from crm.flows.tasks import add_task, cancel_task, change_task, finish_task, undo_task
from crm.flows.undo import undo, undo_contact
from crm.flows.waiting import route_waiting

__all__ = [
    "ActivityIn",
    "AfterLoss",
    "ContactIn",
    "Recorded",
    "accept",
    "add_task",
    "adjust_score",
    "approve",
    "cancel_task",
    "change_opportunity",
    "change_task",
    "comment",
    "create_company",
    "create_contact",
    "disqualify",
    "edit_company",
    "edit_contact",
    "finish_task",
    "imports_to_resume",
    "log_contact",
    "lose_opportunity",
    "merge_contacts",
    "move_opportunity",
    "offer",
    "open_opportunity",
    "overflow",
    "pause_clocks",
    "qualify",
    "rate_satisfaction",
    "reassign",
    "record_activities",
    "recycle",
    "redirect",
    "reject",
    "requalify",
    "rescore",
    "resume_clocks",
    "resurface_due",
    "retry_import",
    "return_to_marketing",
    "route_waiting",
    "run_import",
    "start_import",
    "suggest_case_study",
    "sweep_scores",
    "sweep_timers",
    "touch_contact",
    "undo",
    "undo_contact",
    "undo_opportunity",
    "undo_task",
    "win_opportunity",
]
