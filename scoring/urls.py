"""Pages about the rules of the score."""

from django.urls import URLPattern, URLResolver, path

from scoring.views import rules

urlpatterns: list[URLPattern | URLResolver] = [
    path("scoring/", rules.scoring_rules, name="scoring"),
]
