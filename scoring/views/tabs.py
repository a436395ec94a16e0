"""The tabs above every page of scoring."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from crm.faces import Tab
from scoring.models import Backtest, ScoringModel


def tabs(current: str) -> list[Tab]:
    """The pages of scoring, `current` by the name of its address; two queries."""
    return [
        Tab(_("Rules"), reverse("scoring"), None, current == "scoring"),
        Tab(_("Backtests"), reverse("backtests"), Backtest.objects.count(), current == "backtests"),
        Tab(_("Feedback by rule"), reverse("rule_feedback"), None, current == "rule_feedback"),
        Tab(_("Versions"), reverse("scoring_versions"), ScoringModel.objects.count(), current == "scoring_versions"),
    ]
