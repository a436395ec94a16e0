"""What people type into sales' pages, read and checked before a flow is called."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.deeds import OUTCOMES
from leads.forms import CommentField, ReasonField
from leads.models.qualification import Letter, Verdict
from leads.qualification import Answer
from leads.stages import ReasonKind

MORNING = dt.time(9)
DATE_FORMAT = "%Y-%m-%d"
MOMENT_FORMAT = "%Y-%m-%dT%H:%M"
LOGGED = [("call", _("Call")), ("email", _("E-mail")), ("meeting", _("Meeting")), ("note", _("Note"))]
THEN = [
    ("work_on", _("Work on: it stays yours, as an SQL")),
    ("recycle", _("Give it back to marketing until a day")),
    ("disqualify", _("Disqualify: will not buy")),
]


class DayField(forms.DateField):
    """A day to come; the value is the morning of it in the reader's zone."""

    widget = forms.DateInput(format=DATE_FORMAT, attrs={"type": "date"})

    def __init__(self, **kwargs: Any) -> None:
        messages = {"required": _("Choose a day."), "invalid": _("Choose a day, such as 2027-01-12.")}
        super().__init__(**{"input_formats": [DATE_FORMAT], "error_messages": messages} | kwargs)

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        return timezone.make_aware(dt.datetime.combine(day, MORNING)) if day else None


class MomentField(forms.DateTimeField):
    """A day and a time in the reader's zone."""

    widget = forms.DateTimeInput(format=MOMENT_FORMAT, attrs={"type": "datetime-local"})

    def __init__(self, **kwargs: Any) -> None:
        messages = {"required": _("Choose a day and a time."), "invalid": _("Choose a day and a time.")}
        super().__init__(**{"input_formats": [MOMENT_FORMAT], "error_messages": messages} | kwargs)


class _Answer(forms.Form):
    """What goes with either answer."""

    rating = forms.TypedChoiceField(
        label=_("How good is this lead?"),
        choices=[(str(n), str(n)) for n in range(1, 6)],
        coerce=int,
        empty_value=None,
        required=False,
        error_messages={"invalid_choice": _("Rate from 1 to 5.")},
    )
    comment = CommentField(label=_("A word to marketing"))


class AcceptForm(_Answer):
    """Yes."""


class RejectForm(_Answer):
    """No, and why."""

    reason = ReasonField(kind=ReasonKind.REJECT)
    field_order = ("reason", "rating", "comment")


class LogForm(forms.Form):
    """What was done with a contact, what came of it, and when to get in touch again."""

    type = forms.ChoiceField(label=_("What"), choices=LOGGED, initial="call")
    outcome = forms.ChoiceField(label=_("What came of it"), choices=[("", ""), *OUTCOMES.items()], required=False)
    note = CommentField(label=_("Note"))
    occurred_at = MomentField(label=_("When it was"), required=False)
    next = DayField(label=_("Next step"), required=False)
    later = MomentField(label=_("Another day"), required=False)
    no_next = forms.CharField(
        label=_("Why there is no next step"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"list": "no-next-reasons"}),
    )
    NO_NEXT = (_("They call us"), _("Waits for somebody else"), _("Nothing more to do"))

    def __init__(self, *args: Any, asks_next: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asks_next = asks_next

    def clean(self) -> dict[str, Any]:
        """A call says what came of it, a note says something, and who is to be called back has a day for it."""
        cleaned = super().clean() or {}
        cleaned["next_at"] = cleaned.get("next") or cleaned.get("later")
        kind = cleaned.get("type")
        if kind == "call" and not cleaned.get("outcome") and "outcome" not in self.errors:
            self.add_error("outcome", _("Choose what came of the call."))
        if cleaned.get("outcome") == "call_back" and not cleaned["next_at"] and "later" not in self.errors:
            self.add_error("later", _("Choose when to call back."))
        if kind == "note" and not cleaned.get("note") and not cleaned["next_at"] and "note" not in self.errors:
            self.add_error("note", _("Write the note, or choose a day for the next step."))
        has_said = cleaned["next_at"] or cleaned.get("no_next")
        if self.asks_next and kind != "note" and not has_said and not self.errors:
            self.add_error("no_next", _("Choose when you get in touch next, or say why there is no next step."))
        if kind != "call" and (kind, cleaned.get("outcome")) != ("email", "meeting"):
            cleaned["outcome"] = ""
        return cleaned


class InboxLogForm(LogForm):
    """The same from a row of the inbox, where a day is chosen already unless another is typed."""

    def clean(self) -> dict[str, Any]:
        """What is typed holds, then what is chosen."""
        cleaned = super().clean()
        cleaned["next_at"] = cleaned.get("later") or cleaned.get("next")
        cleaned["next_has_time"] = bool(cleaned.get("later"))
        return cleaned


class LaterForm(forms.Form):
    """When something is to be done instead of now."""

    task = forms.IntegerField(required=False)
    next = DayField(label=_("Next step"), required=False)
    later = MomentField(label=_("Another day"), required=False)

    def clean(self) -> dict[str, Any]:
        """A day is needed; one that is typed holds."""
        cleaned = super().clean() or {}
        cleaned["due_at"] = cleaned.get("later") or cleaned.get("next")
        if not cleaned["due_at"] and not self.errors:
            self.add_error("later", _("Choose a day."))
        return cleaned


class RecycleForm(forms.Form):
    """Why a contact goes back to marketing, and when it comes back by itself."""

    reason = ReasonField(kind=ReasonKind.RECYCLE)
    resurface_at = DayField(label=_("Comes back on"))
    comment = CommentField(label=_("In your words"))


class RedirectForm(forms.Form):
    """Why this contact is the wrong person, and who is the right one: a colleague who is known, or somebody new."""

    reason = ReasonField(kind=ReasonKind.REDIRECT)
    contact = forms.IntegerField(label=_("Somebody known"), required=False, min_value=1, max_value=2**63 - 1)
    first_name = forms.CharField(label=_("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=100, required=False)
    job_title = forms.CharField(label=_("Job title"), max_length=150, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    comment = CommentField(label=_("What they said"))

    def clean(self) -> dict[str, Any]:
        """Either somebody known, or at least a name, an address or a number."""
        cleaned = super().clean() or {}
        typed = {name: cleaned.get(name) or "" for name in ("first_name", "last_name", "job_title", "email", "phone")}
        cleaned["values"] = {name: value for name, value in typed.items() if value}
        if not cleaned.get("contact") and not cleaned["values"] and not self.errors:
            self.add_error("last_name", _("Choose who decides, or give a name, an e-mail address or a phone number."))
        return cleaned


class ReassignForm(forms.Form):
    """Who gets a handoff; nobody named means that routing chooses among the others."""

    assignee = forms.EmailField(label=_("Goes to"), required=False)
    seen_with = forms.IntegerField(required=False, widget=forms.HiddenInput)
    comment = CommentField(label=_("A word to them"))


class PauseForm(forms.Form):
    """Until when the clocks stand still, and why."""

    reasons = (_("Marketing asked to wait"), _("The contact is away"), _("The contact asked for a later day"))
    until = MomentField(label=_("Until"))
    reason = forms.CharField(
        label=_("Why"),
        max_length=300,
        widget=forms.TextInput({"list": "pause-reasons"}),
        error_messages={"required": _("Say why the clocks are to stand still.")},
    )


class WinForm(forms.Form):
    """Why they bought."""

    reason = ReasonField(kind=ReasonKind.WON)
    comment = CommentField(label=_("In your words"))


class LoseForm(forms.Form):
    """Why they did not buy, and what becomes of the contact."""

    reason = ReasonField(kind=ReasonKind.LOST)
    then = forms.ChoiceField(label=_("And then"), choices=THEN, initial="work_on", widget=forms.RadioSelect)
    recycle_reason = ReasonField(kind=ReasonKind.RECYCLE, label=_("Why back to marketing"), required=False)
    resurface_at = DayField(label=_("Comes back on"), required=False)
    disqualify_reason = ReasonField(kind=ReasonKind.DISQUALIFY, label=_("Why disqualified"), required=False)
    comment = CommentField(label=_("In your words"))

    def clean(self) -> dict[str, Any]:
        """What is chosen to come then needs its own reason, and a day where it comes back."""
        cleaned = super().clean() or {}
        then = cleaned.get("then")
        wanted = {"recycle": "recycle_reason", "disqualify": "disqualify_reason"}.get(then or "")
        if wanted and not cleaned.get(wanted) and wanted not in self.errors:
            self.add_error(wanted, _("Choose a reason."))
        if then == "recycle" and not cleaned.get("resurface_at") and "resurface_at" not in self.errors:
            self.add_error("resurface_at", _("Choose a day."))
        cleaned["then_reason"] = cleaned.get(wanted) if wanted else ""
        return cleaned


class AdjustForm(forms.Form):
    """Points given or taken by hand."""

    points = forms.FloatField(
        label=_("Points"),
        min_value=-1000,
        max_value=1000,
        error_messages={"required": _("Give the points, such as 10 or −10.")},
    )
    reason = forms.CharField(label=_("Why"), max_length=300, error_messages={"required": _("Say why.")})


class QualifyForm(forms.Form):
    """What sales found out: a verdict on each of the four questions, what they said, and by when they decide."""

    decide_by_date = forms.DateField(
        label=_("They decide by"),
        required=False,
        input_formats=[DATE_FORMAT],
        widget=forms.DateInput(format=DATE_FORMAT, attrs={"type": "date"}),
    )

    def __init__(self, data: Any = None, *, answers: Iterable[Answer] = (), auto_id: str = "qualify_form_%s") -> None:
        super().__init__(data, auto_id=auto_id)
        known = {answer.letter: answer for answer in answers}
        for letter in Letter:
            answer = known.get(letter, Answer(letter))
            self.fields[letter.value] = forms.ChoiceField(
                label=letter.label,
                required=False,
                choices=[("", _("Not known")), *Verdict.choices],
                initial=answer.verdict or "",
            )
            self.fields[f"{letter}_evidence"] = forms.CharField(
                label=_("What they said"),
                required=False,
                max_length=2000,
                initial=answer.evidence,
                widget=forms.Textarea({"rows": 2, "placeholder": answer.question}),
            )
        if Letter.TIMELINE in known:
            self.fields["decide_by_date"].initial = known[Letter.TIMELINE].decide_by_date

    @property
    def letters(self) -> list[dict[str, forms.BoundField]]:
        """The fields of each question."""
        return [
            {"verdict": self[letter.value], "evidence": self[f"{letter}_evidence"]}
            | ({"decide_by_date": self["decide_by_date"]} if letter is Letter.TIMELINE else {})
            for letter in Letter
        ]

    def answers(self) -> dict[str, dict[str, Any]]:
        """What the flow takes."""
        asked = self.cleaned_data
        found = {
            letter.value: {"verdict": asked[letter.value] or None, "evidence": asked[f"{letter}_evidence"]}
            for letter in Letter
        }
        found[Letter.TIMELINE.value]["decide_by_date"] = asked["decide_by_date"]
        return found
