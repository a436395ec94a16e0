"""Pages that marketers work with."""

from django.urls import URLPattern, URLResolver, path

from leads.views import campaigns, companies, contacts, personas, queue, review, segments

urlpatterns: list[URLPattern | URLResolver] = [
    path("queue/", queue.queue, name="queue"),
    path("queue/news/", queue.queue_news, name="queue_news"),
    path("queue/preview/", queue.queue_preview, name="queue_preview"),
    path("queue/room/", queue.queue_room, name="queue_room"),
    path("queue/bulk/", review.queue_bulk, name="queue_bulk"),
    path("queue/undo/", review.queue_undo, name="queue_undo"),
    path("queue/<int:handoff_id>/", queue.queue_panel, name="queue_panel"),
    path("queue/<int:handoff_id>/disqualify/", review.queue_disqualify, name="queue_disqualify"),
    path("handoffs/<int:handoff_id>/approve/", review.handoff_approve, name="handoff_approve"),
    path("handoffs/<int:handoff_id>/return/", review.handoff_return, name="handoff_return"),
    path("handoffs/<int:handoff_id>/offer/", review.handoff_offer, name="handoff_offer"),
    path("handoffs/<int:handoff_id>/undo/", review.handoff_undo, name="handoff_undo"),
    path("contacts/", contacts.contact_list, name="contacts"),
    path("contacts/new/", contacts.contact_new, name="contact_new"),
    path("contacts/known/", contacts.contact_known, name="contact_known"),
    path("contacts/<int:contact_id>/edit/", contacts.contact_edit, name="contact_edit"),
    path("contacts/<int:contact_id>/disqualify/", review.contact_disqualify, name="contact_disqualify"),
    path("contacts/<int:contact_id>/requalify/", review.contact_requalify, name="contact_requalify"),
    path("contacts/<int:contact_id>/touch/", contacts.contact_touch, name="contact_touch"),
    path("companies/", companies.company_list, name="companies"),
    path("companies/names/", companies.company_names, name="company_names"),
    path("companies/<int:company_id>/", companies.company_page, name="company"),
    path("segments/", segments.segment_list, name="segments"),
    path("segments/new/", segments.segment_new, name="segment_new"),
    path("segments/count/", segments.conditions_count, name="conditions_count"),
    path("segments/<int:segment_id>/", segments.segment_edit, name="segment"),
    path("segments/<int:segment_id>/delete/", segments.segment_delete, name="segment_delete"),
    path("personas/", personas.persona_list, name="personas"),
    path("personas/new/", personas.persona_new, name="persona_new"),
    path("personas/<int:persona_id>/", personas.persona_page, name="persona"),
    path("personas/<int:persona_id>/retire/", personas.persona_retire, name="persona_retire"),
    path("campaigns/", campaigns.campaign_list, name="campaigns"),
    path("campaigns/new/", campaigns.campaign_new, name="campaign_new"),
    path("campaigns/<int:campaign_id>/", campaigns.campaign_page, name="campaign"),
    path("campaigns/<int:campaign_id>/edit/", campaigns.campaign_edit, name="campaign_edit"),
]
