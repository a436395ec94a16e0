"""The editor of a draft: its rules in place, what publishing it would do, and the buttons that end it."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event
from kombu.exceptions import OperationalError as BrokerAway

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import previews, publishing
from crm.models import Role
from crm.queries import publishing as looking_ahead
from crm.queries.rule_numbers import rule_numbers
from leads.forms_conditions import condition_lists
from leads.models import ActivityType
from scoring import drafts, versions
from scoring.drafts import Line
from scoring.forms_rules import ActivityRuleForm, FitRuleForm, OwnForm, PublishForm
from scoring.models import Backtest, JobState, Publication, ScoringModel
from scoring.tasks import run_preview, run_publication
from scoring.views.tabs import tabs

logger = logging.getLogger(__name__)
judges_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)
editors_only = roles_required(Role.MARKETER, Role.ADMIN)
RULE, FIT, OWN = "rule", "fit", "own"
LISTS = {RULE: "activity_rules", FIT: "fit_rules"}
KINDS = {RULE: "activity", FIT: "fit"}
ANCHORS = {RULE: "engagement", FIT: "fit", OWN: "thresholds"}
RuleForm = ActivityRuleForm | FitRuleForm


class Editor:
    """One request to the page of a draft: which line is open, what was typed into it, and what is wrong with it."""

    def __init__(self, request: HttpRequest, model: ScoringModel) -> None:
        self.request, self.model = request, model
        self.user = person(request)
        self.may_edit = self.user.is_marketer or self.user.is_admin
        self.types = list(ActivityType.objects.order_by("name").values_list("code", "name"))
        self.rules: dict[str, dict[int, Any]] = {
            RULE: {rule.pk: rule for rule in model.activity_rules.select_related("type")},
            FIT: {rule.pk: rule for rule in model.fit_rules.all()},
        }
        # The form that holds what was typed, with its part and its rule.
        self.typed: tuple[str, int | None, Any] | None = None
        self.as_read = drafts.rules_as_values(model) if request.method == "POST" else {}
        self.publish_form = PublishForm(note=model.note)
        self.status = 200

    def form_of(self, part: str, rule_id: int | None, data: Any = None) -> Any:
        """The form of one rule, or of a new one; raises `Http404` for a rule that the draft has not."""
        if part == OWN:
            return OwnForm(data, model=self.model)
        if part not in LISTS or (rule_id is not None and rule_id not in self.rules[part]):
            raise Http404(_("This draft has no such rule."))
        rule = self.rules[part].get(rule_id) if rule_id is not None else None
        auto_id = f"{part}-{rule_id or 'new'}-%s"
        if part == RULE:
            return ActivityRuleForm(data, rule=rule, types=self.types, auto_id=auto_id)
        return FitRuleForm(data, rule=rule, auto_id=auto_id)

    def post(self) -> HttpResponse | None:
        """Do what was asked; None when the page is shown again with what was typed."""
        asked = self.request.POST
        part, rule_id, act = asked.get("part", ""), _number(asked.get("rule", "")), asked.get("act", "save")
        form = self.form_of(part, rule_id, asked)
        self.typed = (part, rule_id, form)
        if part in LISTS and form.is_reshaping:
            return None
        if act == "remove":
            values = self._without(part, rule_id)
        elif form.is_valid():
            values = form.values() if part == OWN else self._with(part, rule_id, form.values())
        else:
            self.status = 422
            return None
        return self._save(form, part, values)

    def _save(self, form: Any, part: str, values: dict[str, Any]) -> HttpResponse | None:
        seen = self.model
        if (given := self.request.POST.get("seen")) is not None and given != seen_as(self.model):
            self._refuse(form, _("Somebody has changed this draft meanwhile. Look at it again, then save."), 409)
            return None
        try:
            publishing.save_rules(actor=self.user, model_id=self.model.pk, values=values, at=timezone.now(), seen=seen)
        except Invalid as refusal:
            form.add_error(form.field_of(refusal.field) if part == OWN else None, str(refusal))
            self.status = 422
            return None
        except Conflict as refusal:
            current = ScoringModel.objects.filter(pk=self.model.pk).first()
            if current is None or current.status != ScoringModel.Status.DRAFT:
                raise
            self._refuse(form, str(refusal), 409)
            return None
        return HttpResponseRedirect(self._after(part, values), status=303)

    def _refuse(self, form: Any, sentence: str, status: int) -> None:
        form.is_valid()
        form.add_error(None, sentence)
        self.status = status

    def _after(self, part: str, values: dict[str, Any]) -> str:
        gone = self._gone(part, values)
        if gone is None:
            toasts.tell(request=self.request, text=_("Saved in version %(version)d.") % {"version": self.model.version})
        else:
            text = _("Removed “%(name)s” from version %(version)d.")
            seal = urlencode({"rule": drafts.sealed(self.model, KINDS[part], gone)})
            toasts.tell(
                request=self.request,
                text=text % {"name": gone["name"], "version": self.model.version},
                undo_url=f"{reverse('draft_put_back', args=[self.model.pk])}?{seal}",
            )
        return f"{reverse('scoring_draft', args=[self.model.pk])}#{ANCHORS[part]}"

    def _gone(self, part: str, values: dict[str, Any]) -> dict[str, Any] | None:
        """The rule that was removed, with its place; None when none was."""
        if part == OWN:
            return None
        kept = {rule.get("id") for rule in values[LISTS[part]]}
        for place, rule in enumerate(self.as_read[LISTS[part]]):
            if rule["id"] not in kept:
                return {name: value for name, value in rule.items() if name != "id"} | {"place": place}
        return None

    def _with(self, part: str, rule_id: int | None, new: dict[str, Any]) -> dict[str, Any]:
        rules = self.as_read[LISTS[part]]
        if rule_id is None:
            return {LISTS[part]: [*rules, new]}
        return {LISTS[part]: [new | {"id": rule_id} if rule["id"] == rule_id else rule for rule in rules]}

    def _without(self, part: str, rule_id: int | None) -> dict[str, Any]:
        if part == OWN or rule_id is None:
            raise Http404(_("This draft has no such rule."))
        rules = self.as_read[LISTS[part]]
        return {LISTS[part]: [rule for rule in rules if rule["id"] != rule_id]}

    def page(self) -> HttpResponse:
        """The whole page."""
        published = ScoringModel.objects.get(status=ScoringModel.Status.PUBLISHED)
        found = drafts.compared(self.model, published)
        opened = self._opened()
        only_changes = self.request.GET.get("only") == "changes"
        context = {
            "model": self.model,
            "published": published,
            "seen": seen_as(self.model),
            "may_edit": self.may_edit,
            "found": found,
            "only_changes": only_changes,
            "groups": [
                {
                    "part": part,
                    "lines": [
                        (line, self._line_form(part, line), opened == (part, line.pk))
                        for line in lines
                        if not (only_changes and line.state == "same")
                    ],
                    "new": self._line_form(part, None),
                    "is_new_open": opened == (part, None),
                }
                for part, lines in ((RULE, found.activity), (FIT, found.fit))
            ],
            "own_form": self.typed[2] if self.typed and self.typed[0] == OWN else self.form_of(OWN, None),
            "is_own_open": bool(self.typed and self.typed[0] == OWN),
            "publish_form": self.publish_form,
            "condition_lists": condition_lists(),
            "backtests": Backtest.objects.filter(model=self.model).order_by("-id")[:3],
            "tabs": tabs("scoring_versions"),
        }
        return render(self.request, "scoring/draft.html", context, status=self.status)

    def _opened(self) -> tuple[str, int | None] | None:
        if self.typed:
            return self.typed[0], self.typed[1]
        for part in (RULE, FIT):
            asked = self.request.GET.get(part, "")
            if asked == "new":
                return part, None
            if asked:
                return part, _number(asked) or 0
        return None

    def _line_form(self, part: str, line: Line | None) -> RuleForm | None:
        if not self.may_edit or (line is not None and line.pk is None):
            return None
        rule_id = line.pk if line is not None else None
        if self.typed and self.typed[:2] == (part, rule_id):
            return self.typed[2]
        return self.form_of(part, rule_id)


def seen_as(model: ScoringModel) -> str:
    """Which state of a draft a form was made of."""
    return model.changed_at.isoformat() if model.changed_at else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@judges_only
@require_http_methods(["GET", "HEAD", "POST"])
def scoring_draft(request: HttpRequest, model_id: int) -> HttpResponse:
    """A draft: every rule a sentence that opens into its form. A published version is shown where it is read."""
    model = get_object_or_404(ScoringModel.objects.select_related("based_on", "created_by"), id=model_id)
    if request.method == "POST":
        publishing.require_editor(person(request))
        versions.require_draft(model)
        editor = Editor(request, model)
        return editor.post() or editor.page()
    if model.status != ScoringModel.Status.DRAFT:
        return HttpResponseRedirect(f"{reverse('scoring')}?version={model.version}")
    return Editor(request, model).page()


@editors_only
@require_POST
def draft_new(request: HttpRequest) -> HttpResponse:
    """Draft a copy of a version, the published one unless another is named."""
    asked = request.POST.get("version", "")
    wanted = {"version": _number(asked) or 0} if asked else {"status": ScoringModel.Status.PUBLISHED}
    base = get_object_or_404(ScoringModel, **wanted)
    draft = publishing.draft_from(actor=person(request), model_id=base.pk, at=timezone.now())
    toasts.tell(
        request=request,
        text=_("Version %(version)d is a draft of version %(base)d.")
        % {"version": draft.version, "base": base.version},
    )
    return HttpResponseRedirect(reverse("scoring_draft", args=[draft.pk]), status=303)


@editors_only
@require_POST
def draft_discard(request: HttpRequest, model_id: int) -> HttpResponse:
    """Throw a draft away."""
    model = get_object_or_404(ScoringModel, id=model_id)
    publishing.discard_draft(actor=person(request), model_id=model_id)
    toasts.tell(request=request, text=_("Version %(version)d is discarded.") % {"version": model.version})
    return HttpResponseRedirect(reverse("scoring_versions"), status=303)


@editors_only
@require_POST
def draft_put_back(request: HttpRequest, model_id: int) -> HttpResponse:
    """Put a rule back that was removed from the draft, or that the version in force has and the draft has not."""
    model = get_object_or_404(ScoringModel, id=model_id)
    try:
        values, name = drafts.put_back(model, request.POST.get("rule") or request.GET.get("rule", ""))
    except ValueError:
        raise Http404(_("This draft has no such rule to put back.")) from None
    publishing.save_rules(actor=person(request), model_id=model.pk, values=values, at=timezone.now(), seen=model)
    toasts.tell(request=request, text=_("Put “%(name)s” back.") % {"name": name})
    return HttpResponseRedirect(reverse("scoring_draft", args=[model.pk]), status=303)


@judges_only
@require_safe
def draft_numbers(request: HttpRequest, model_id: int) -> HttpResponse:
    """How many contacts each rule gives points to, and how sales answered: a fragment that fills the lines."""
    model = get_object_or_404(ScoringModel, id=model_id, status=ScoringModel.Status.DRAFT)
    if not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("scoring_draft", args=[model.pk]))
    published = ScoringModel.objects.get(status=ScoringModel.Status.PUBLISHED)
    found = drafts.compared(model, published)
    numbers = rule_numbers(model, found, published=published, user=person(request))
    return render(request, "scoring/draft_numbers.html", {"numbers": numbers})


@judges_only
@require_safe
def draft_preview(request: HttpRequest, model_id: int) -> HttpResponse:
    """What publishing would do; to htmx, which asks as soon as the editor stands, only that.

    The answer that ends asking again says so by the event `baton:counted`, whereupon the rules fetch their numbers.
    """
    model = get_object_or_404(ScoringModel, id=model_id, status=ScoringModel.Status.DRAFT)
    context = preview_context(model)
    if request.htmx:  # type: ignore[attr-defined]
        answer = render(request, "scoring/draft_preview.html", context)
        has_waited = request.htmx.trigger == "draft-preview"  # type: ignore[attr-defined]
        return answer if context["is_counting"] or not has_waited else trigger_client_event(answer, "baton:counted")
    return render(request, "scoring/draft_preview_page.html", context | {"tabs": tabs("scoring_versions")})


def preview_context(model: ScoringModel) -> dict[str, Any]:
    """What publishing a draft would do: counted here where contacts are few, else how far the count is."""
    found, job = None, None
    if looking_ahead.counted_at_once():
        found = looking_ahead.preview(model, at=timezone.now())
    else:
        job, is_new = previews.ask(model, at=timezone.now())
        if is_new:
            transaction.on_commit(partial(_hurry, run_preview, preview_id=job.pk))
        found = looking_ahead.read(job.result) if job.result else None
    is_known = found is not None and found.capacity_a_week is not None
    return {
        "model": model,
        "found": found,
        "job": job,
        "is_counting": job is not None and job.state in (JobState.QUEUED, JobState.RUNNING),
        "is_stale": job is not None and job.result_revision_at != model.changed_at,
        "share": job.done / job.total if job and job.total else 0.0,
        "queue_after": found.queue + found.promoted_count if found else 0,
        "weeks": found.queue_after(mode=Publication.Mode.ALL) if found and is_known else [],
    }


@editors_only
@require_POST
def draft_publish(request: HttpRequest, model_id: int) -> HttpResponse:
    """Put a draft in force."""
    model = get_object_or_404(ScoringModel.objects.select_related("based_on", "created_by"), id=model_id)
    versions.require_draft(model)
    form = PublishForm(request.POST)
    if form.is_valid():
        try:
            if request.POST.get("seen", seen_as(model)) != seen_as(model):
                raise Invalid(_("Somebody has changed this draft meanwhile. Look at it again, then publish."))
            publication = publishing.publish(
                actor=person(request), model_id=model.pk, at=timezone.now(), **form.cleaned_data
            )
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            transaction.on_commit(partial(_hurry, run_publication, publication_id=publication.pk))
            return HttpResponseRedirect(reverse("scoring_versions"), status=303)
    editor = Editor(request, model)
    editor.publish_form, editor.status = form, 422
    return editor.page()


@editors_only
@require_POST
def version_retire(request: HttpRequest, model_id: int) -> HttpResponse:
    """Take the version in force out of it; the rules of the one before come into force again."""
    publication = publishing.retire(actor=person(request), model_id=model_id, at=timezone.now())
    transaction.on_commit(partial(_hurry, run_publication, publication_id=publication.pk))
    toasts.tell(request=request, text=publication.model.note)
    return HttpResponseRedirect(reverse("scoring_versions"), status=303)


@judges_only
@require_safe
def scoring_publication(request: HttpRequest, publication_id: int) -> HttpResponse:
    """How far a publication is: what the page of versions asks for again and again."""
    publication = get_object_or_404(Publication.objects.select_related("model"), id=publication_id)
    if not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("scoring_versions"))
    return render(request, "scoring/publication.html", publication_context(publication))


def publication_context(publication: Publication) -> dict[str, Any]:
    """What the progress of a publication is drawn from."""
    is_unfinished = publication.state in publishing.UNFINISHED
    held = publication.held.count() if is_unfinished else 0
    return {
        "publication": publication,
        "is_unfinished": is_unfinished,
        "is_updating": is_unfinished and not (held and publication.done >= publication.total),
        "held": held,
        "share": publication.done / publication.total if publication.total else 1.0,
    }


def _hurry(task: Any, **job: int) -> None:
    """Have a job begun at once; without a broker the sweep of lost jobs begins it."""
    try:
        task.delay(**job)
    except BrokerAway:
        logger.warning("The broker is away; %s waits for the sweep of jobs.", job)
