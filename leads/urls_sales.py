"""Pages that salespeople work with, and the contact page that everybody does."""

from django.urls import URLPattern, URLResolver, path

from leads.views import answers, card, conversation, handoffs, inbox, opportunities, redirect, talks

urlpatterns: list[URLPattern | URLResolver] = [
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/plan/", inbox.inbox_plan, name="inbox_plan"),
    path("inbox/handoffs/<int:handoff_id>/accept/", inbox.inbox_accept, name="inbox_accept"),
    path("inbox/handoffs/<int:handoff_id>/say/", inbox.inbox_say, name="inbox_say"),
    path("inbox/contacts/<int:contact_id>/log/", inbox.inbox_log, name="inbox_log"),
    path("inbox/contacts/<int:contact_id>/later/", inbox.inbox_later, name="inbox_later"),
    path("inbox/tasks/<int:task_id>/done/", inbox.inbox_task_done, name="inbox_task_done"),
    path("inbox/tasks/<int:task_id>/undo/", inbox.inbox_task_undo, name="inbox_task_undo"),
    path("contacts/<int:contact_id>/", card.contact, name="contact"),
    path("contacts/<int:contact_id>/log/", answers.contact_log, name="contact_log"),
    path("contacts/<int:contact_id>/qualify/", answers.contact_qualify, name="contact_qualify"),
    path("contacts/<int:contact_id>/adjust/", answers.contact_adjust, name="contact_adjust"),
    path("contacts/<int:contact_id>/undo/", redirect.contact_undo, name="contact_undo"),
    path("handoffs/", handoffs.handoff_list, name="handoffs"),
    path("handoffs/<int:handoff_id>/accept/", answers.handoff_accept, name="handoff_accept"),
    path("handoffs/<int:handoff_id>/reject/", answers.handoff_reject, name="handoff_reject"),
    path("handoffs/<int:handoff_id>/reassign/", answers.handoff_reassign, name="handoff_reassign"),
    path("handoffs/<int:handoff_id>/recycle/", answers.handoff_recycle, name="handoff_recycle"),
    path("handoffs/<int:handoff_id>/redirect/", redirect.handoff_redirect, name="handoff_redirect"),
    path("handoffs/<int:handoff_id>/pause/", answers.handoff_pause, name="handoff_pause"),
    path("handoffs/<int:handoff_id>/resume/", answers.handoff_resume, name="handoff_resume"),
    path("handoffs/<int:handoff_id>/comments/", conversation.handoff_comment, name="handoff_comment"),
    path("handoffs/<int:handoff_id>/people/", conversation.handoff_people, name="handoff_people"),
    path("handoffs/<int:handoff_id>/opportunity/", opportunities.opportunity_open, name="opportunity_open"),
    path("opportunities/", opportunities.opportunity_list, name="opportunities"),
    path("opportunities/board/", talks.board, name="opportunity_board"),
    path("opportunities/<int:opportunity_id>/move/", talks.opportunity_move, name="opportunity_move"),
    path("opportunities/<int:opportunity_id>/change/", talks.opportunity_change, name="opportunity_change"),
    path(
        "opportunities/<int:opportunity_id>/satisfaction/",
        talks.opportunity_satisfaction,
        name="opportunity_satisfaction",
    ),
    path("opportunities/<int:opportunity_id>/case-study/", talks.opportunity_case_study, name="opportunity_case_study"),
    path("opportunities/<int:opportunity_id>/undo/", talks.opportunity_undo, name="opportunity_undo"),
    path("opportunities/<int:opportunity_id>/win/", opportunities.opportunity_win, name="opportunity_win"),
    path("opportunities/<int:opportunity_id>/lose/", opportunities.opportunity_lose, name="opportunity_lose"),
]
