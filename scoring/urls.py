"""Pages about the rules of the score."""

from django.urls import URLPattern, URLResolver, path

from scoring.views import backtests, feedback, rules

urlpatterns: list[URLPattern | URLResolver] = [
    path("scoring/", rules.scoring_rules, name="scoring"),
    path("scoring/backtests/", backtests.backtest_list, name="backtests"),
    path("scoring/backtests/<int:backtest_id>/", backtests.backtest_page, name="backtest"),
    path("scoring/backtests/<int:backtest_id>/contacts/", backtests.backtest_contacts, name="backtest_contacts"),
    path("scoring/backtests/<int:backtest_id>/cancel/", backtests.backtest_cancel, name="backtest_cancel"),
    path("scoring/backtests/<int:backtest_id>/again/", backtests.backtest_again, name="backtest_again"),
    path("scoring/feedback/", feedback.rule_feedback, name="rule_feedback"),
    path("scoring/feedback/handoffs/", feedback.feedback_handoffs, name="feedback_handoffs"),
    path("scoring/feedback/draft/", feedback.draft_with_rule, name="draft_with_rule"),
]
