"""Pages about promises and clocks."""

from django.urls import URLPattern, URLResolver, path

from sla.views import board

urlpatterns: list[URLPattern | URLResolver] = [
    path("sla/", board.sla_page, name="sla"),
    path("sla/timers/", board.timer_list, name="timers"),
]
