"""Beside each rule of a draft: how many contacts it gives points to now, and how sales answered those handed over.

What contacts did is counted by the rule of the same name in force, which alone has added anything up; who they are by
the draft's own condition. Answers are those to the version in force (`crm.queries.rule_feedback`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse

from crm import proportions
from crm.models import User
from crm.queries import rule_feedback
from crm.queries.publishing import counted_at_once
from leads import facts
from leads.conditions import Condition
from leads.conditions_sql import contact_q
from leads.models import Contact
from scoring.drafts import Compared, Line
from scoring.models import FitRule, PreviewJob, ScoringModel


@dataclass(frozen=True)
class RuleNumber:
    """The numbers of one rule; `contacts` is None where nothing has been counted by it yet."""

    part: str
    pk: int
    contacts: int | None
    contacts_href: str
    answered: int
    accepted: int
    answered_href: str

    @property
    def share(self) -> float | None:
        """The accepted of those answered; None where they are too few to compare."""
        return self.accepted / self.answered if self.answered >= proportions.FEWEST else None


def rule_numbers(model: ScoringModel, found: Compared, *, published: ScoringModel, user: User) -> list[RuleNumber]:
    """The numbers of every rule that the draft has; as many queries however many rules and contacts.

    Where contacts are too many for a request, those of fit rules come from the draft's preview, once it is counted.
    """
    answers = rule_feedback.feedback(published, user=user)
    contacts = reverse("contacts")
    numbers = [
        _number("rule", line, line.contact_count, f"{contacts}?rule={line.rule_in_force}", answers)
        for line in found.activity
        if line.pk is not None
    ]
    conditions = {rule.pk: _condition(rule) for rule in model.fit_rules.all()}
    counts = fit_counts(model) if counted_at_once() else _counted_before(model)
    for line in found.fit:
        if line.pk is not None:
            href = f"{contacts}?{urlencode({'where': _written(conditions[line.pk])})}"
            numbers.append(_number("fit", line, counts.get(str(line.pk)), href, answers))
    return numbers


def _number(part: str, line: Line, contacts: int | None, href: str, answers: rule_feedback.Feedback) -> RuleNumber:
    behind = answers.line(part, str(line.rule_in_force)) if line.rule_in_force else None
    return RuleNumber(
        part=part,
        pk=line.pk or 0,
        contacts=contacts,
        contacts_href=href,
        answered=behind.answered if behind else 0,
        accepted=behind.answered - behind.rejected if behind else 0,
        answered_href=f"{reverse('feedback_handoffs')}?{behind.query}" if behind else "",
    )


def fit_counts(model: ScoringModel) -> dict[str, int]:
    """How many contacts each fit rule gives points to, by its id in text, as JSON keeps it. Reads every contact."""
    known = facts.pictures()
    rules = model.fit_rules.all()
    asked = {f"n{rule.pk}": Count("pk", filter=contact_q([_condition(rule)], pictures=known)) for rule in rules}
    found = Contact.objects.order_by().aggregate(**asked) if asked else {}
    return {name[1:]: count for name, count in found.items()}


def _counted_before(model: ScoringModel) -> dict[str, int]:
    """The same from the preview of the draft as it stands; empty until it is counted."""
    job = PreviewJob.objects.filter(model=model, result_revision_at=model.changed_at).first()
    return job.result["fit_counts"] if job and job.result else {}


def _condition(rule: FitRule) -> Condition:
    value = tuple(rule.value) if isinstance(rule.value, list) else rule.value
    return Condition(field=rule.field, op=rule.op, value=value)


def _written(condition: Condition) -> str:
    return json.dumps([{"field": condition.field, "op": condition.op, "value": condition.value}])
