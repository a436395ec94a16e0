"""Pages about contacts: lists, the two queues, the handoff card, imports."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("leads.urls_marketing")),
    path("", include("leads.urls_sales")),
    path("", include("leads.urls_imports")),
    path("", include("leads.urls_definitions")),
]
