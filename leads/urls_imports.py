"""Pages that bring contacts in."""

from django.urls import URLPattern, URLResolver, path

from leads.views import imports

urlpatterns: list[URLPattern | URLResolver] = [
    path("imports/", imports.import_list, name="imports"),
    path("imports/<int:import_id>/", imports.import_page, name="import"),
    path("imports/<int:import_id>/again/", imports.import_again, name="import_again"),
    path("imports/<int:import_id>/refused/", imports.import_refused, name="import_refused"),
]
