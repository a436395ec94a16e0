"""Pages about the rules of the score."""

from django.urls import URLPattern, URLResolver, path

from scoring.views import backtests, drafts, feedback, rules, suggestions, versions

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
    path("scoring/drafts/", drafts.draft_new, name="draft_new"),
    path("scoring/drafts/<int:model_id>/", drafts.scoring_draft, name="scoring_draft"),
    path("scoring/drafts/<int:model_id>/discard/", drafts.draft_discard, name="draft_discard"),
    path("scoring/drafts/<int:model_id>/numbers/", drafts.draft_numbers, name="draft_numbers"),
    path("scoring/drafts/<int:model_id>/put-back/", drafts.draft_put_back, name="draft_put_back"),
    path("scoring/drafts/<int:model_id>/preview/", drafts.draft_preview, name="draft_preview"),
    path("scoring/drafts/<int:model_id>/publish/", drafts.draft_publish, name="draft_publish"),
    path("scoring/publications/<int:publication_id>/", drafts.scoring_publication, name="scoring_publication"),
    path("scoring/versions/<int:model_id>/retire/", drafts.version_retire, name="version_retire"),
    path("scoring/versions/", versions.scoring_versions, name="scoring_versions"),
    path("scoring/compare/", versions.scoring_compare, name="scoring_compare"),
    path("scoring/suggest/", suggestions.suggest_points, name="suggest_points"),
    path("scoring/suggest/<int:suggestion_id>/", suggestions.suggestion, name="suggestion"),
    path("scoring/suggest/<int:suggestion_id>/cancel/", suggestions.suggestion_cancel, name="suggestion_cancel"),
]
