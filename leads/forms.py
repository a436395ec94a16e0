"""What people type into marketing's pages, read and checked before a flow is called."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from leads.models import Campaign, Contact, Reason, Source
from leads.stages import ReasonKind

MAX_AT_ONCE = 200
COMMENT_LENGTH = 2000


class ReasonField(forms.ChoiceField):
    """One of the counted reasons of a kind, by its code."""

    def __init__(self, *, kind: ReasonKind, **kwargs: Any) -> None:
        def reasons() -> list[tuple[str, str]]:
            rows = Reason.objects.filter(kind=kind.value, is_retired=False)
            return [(reason.code, _said(reason)) for reason in rows]

        messages = {"required": _("Choose a reason."), "invalid_choice": _("Choose one of the reasons.")}
        super().__init__(
            choices=reasons,
            widget=forms.RadioSelect,
            error_messages=messages,
            **{"label": _("Reason")} | kwargs,
        )


def _said(reason: Reason) -> str:
    """A reason where it is chosen, with when it applies."""
    if not reason.description:
        return reason.label
    return format_html('<span>{}<span class="sub is-whole">{}</span></span>', reason.label, reason.description)


class CommentField(forms.CharField):
    """A few words to the other team."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 2})
        super().__init__(widget=widget, **{"required": False, "max_length": COMMENT_LENGTH} | kwargs)


class SayForm(forms.Form):
    """A word in the conversation about a lead."""

    text = CommentField(
        label=_("A word to the other team"),
        required=True,
        error_messages={"required": _("Write what you want to say.")},
    )


class IdsField(forms.Field):
    """Ids of rows, each once; whether there are such rows is for the flow to say."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:
        given = value or []
        if not all(isinstance(one, str) and one.isascii() and one.isdigit() and len(one) < 19 for one in given):
            raise forms.ValidationError(_("These rows are not known. Load the page again."))
        return list(dict.fromkeys(int(one) for one in given))

    def validate(self, value: list[int]) -> None:
        super().validate(value)
        if len(value) > MAX_AT_ONCE:
            raise forms.ValidationError(_("Select %(count)d at most."), params={"count": MAX_AT_ONCE})


# Review ---------------------------------------------------------------------------------------------------------------


class ApproveForm(forms.Form):
    """To whom a lead goes, by e-mail; nobody named means that routing chooses."""

    assignee = forms.EmailField(label=_("Goes to"), required=False)
    comment = CommentField(label=_("A word to sales"))


class OfferForm(ApproveForm):
    """To whom a lead that waits for capacity goes."""

    assignee = forms.EmailField(label=_("Goes to"), error_messages={"required": _("Choose who gets it.")})


class ReturnForm(forms.Form):
    """Why a lead goes back to nurturing."""

    reason = ReasonField(kind=ReasonKind.RETURN)
    comment = CommentField(label=_("In your words"))


class DisqualifyForm(forms.Form):
    """Why a contact will not buy."""

    reason = ReasonField(kind=ReasonKind.DISQUALIFY)
    comment = CommentField(label=_("In your words"))


class SelectionForm(forms.Form):
    """Several handoffs, and what is to be done with all of them."""

    APPROVE, ASSIGN, RETURN, DISQUALIFY = "approve", "assign", "return", "disqualify"

    verb = forms.ChoiceField(
        choices=[
            (APPROVE, _("Approve")),
            (ASSIGN, _("Approve, for one person")),
            (RETURN, _("Return")),
            (DISQUALIFY, _("Disqualify")),
        ]
    )
    handoff = IdsField(label=_("Leads"), error_messages={"required": _("Select the leads first.")})
    assignee = forms.EmailField(label=_("Goes to"), required=False)
    reason = ReasonField(kind=ReasonKind.RETURN, required=False)
    disqualify_reason = ReasonField(kind=ReasonKind.DISQUALIFY, required=False)
    comment = CommentField(label=_("In your words"))

    def clean(self) -> dict[str, Any]:
        """Ask for what the verb needs: one reason, or one person, for all of them."""
        cleaned = super().clean() or {}
        needs = {
            self.RETURN: ("reason", _("Choose a reason.")),
            self.DISQUALIFY: ("disqualify_reason", _("Choose a reason.")),
            self.ASSIGN: ("assignee", _("Choose who gets them.")),
        }
        field, sentence = needs.get(cleaned.get("verb", ""), ("", ""))
        if field and not cleaned.get(field) and field not in self.errors:
            self.add_error(field, sentence)
        return cleaned


# Contacts -------------------------------------------------------------------------------------------------------------


class _ContactFields(forms.Form):
    """What a new contact and an edited one have in common."""

    email = forms.EmailField(
        label=_("E-mail"), required=False, max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    phone = forms.CharField(
        label=_("Phone"), required=False, max_length=40, widget=forms.TextInput(attrs={"type": "tel"})
    )
    company = forms.CharField(
        label=_("Company"),
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={
                "list": "known-companies",
                "autocomplete": "off",
                "hx-get": reverse_lazy("company_names"),
                "hx-trigger": "input changed delay:200ms",
                "hx-target": "#known-companies",
                "hx-swap": "innerHTML",
                "hx-sync": "this:replace",
            }
        ),
    )
    job_title = forms.CharField(label=_("Job title"), required=False, max_length=150)
    source = forms.ModelChoiceField(
        label=_("Source"), required=False, queryset=Source.objects.exclude(code="own"), empty_label=_("Not known")
    )


class NewContactForm(_ContactFields):
    """Somebody who called, or stood before us at a fair: a name or an address is enough."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    # Known addresses are told while the rest is typed.
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "off",
                "hx-get": reverse_lazy("contact_known"),
                "hx-trigger": "change",
                "hx-target": "#known-contact",
                "hx-swap": "innerHTML",
            }
        ),
    )
    note = CommentField(label=_("What they said"))
    field_order = ("name", "email", "phone", "company", "job_title", "source", "note")

    def clean(self) -> dict[str, Any]:
        """Ask for something to call or reach them by."""
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned.get(name) for name in ("name", "email", "phone")):
            self.add_error("name", _("Give a name, an e-mail address or a phone number."))
        first, _space, last = (cleaned.get("name") or "").rpartition(" ")
        # One word alone is more often a first name that was heard on the phone.
        cleaned["first_name"], cleaned["last_name"] = (first.strip()[:100], last[:100]) if first else (last[:100], "")
        return cleaned


class ContactForm(_ContactFields):
    """Everything about a contact that people may change by hand."""

    first_name = forms.CharField(label=_("First name"), required=False, max_length=100)
    last_name = forms.CharField(label=_("Last name"), required=False, max_length=100)
    country = forms.CharField(
        label=_("Country"), required=False, min_length=2, max_length=2, help_text=_("Two letters, such as FI.")
    )
    city = forms.CharField(label=_("City"), required=False, max_length=100)
    language = forms.CharField(
        label=_("Language"), required=False, max_length=10, help_text=_("A code, such as fi or pl.")
    )
    source = forms.ModelChoiceField(
        label=_("Source"), required=False, queryset=Source.objects.all(), empty_label=_("Not known")
    )
    field_order = (
        "first_name",
        "last_name",
        "email",
        "phone",
        "company",
        "job_title",
        "country",
        "city",
        "language",
        "source",
    )

    @classmethod
    def of(cls, contact: Contact) -> ContactForm:
        """The form filled with what is known."""
        names = [name for name in cls.base_fields if name != "company"]
        initial = {name: getattr(contact, name) for name in names}
        return cls(initial=initial | {"company": contact.company.name if contact.company else ""})

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean_language(self) -> str:
        return str(self.cleaned_data["language"]).lower()


# Campaigns ------------------------------------------------------------------------------------------------------------


class CampaignForm(forms.ModelForm):
    """A campaign with its channel, cost and period."""

    class Meta:
        model = Campaign
        fields = ("name", "source", "start_date", "end_date", "cost", "currency")
        widgets = {
            "start_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "end_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).strip().upper()
        if not (len(code) == 3 and code.isascii() and code.isalpha()):
            raise forms.ValidationError(_("Write the currency as three letters, such as EUR."))
        return code

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it starts, and a cost below zero, each at its field."""
        cleaned = super().clean() or {}
        start, end, cost = cleaned.get("start_date"), cleaned.get("end_date"), cleaned.get("cost")
        if start and end and end < start:
            self.add_error("end_date", _("The campaign ends before it starts."))
        if cost is not None and cost < 0:
            self.add_error("cost", _("A cost is not below zero. Leave it empty when it is not known."))
        return cleaned


# Imports --------------------------------------------------------------------------------------------------------------


class ImportForm(forms.Form):
    """A file of contacts, the campaign they met, and whether what it tells happens now or is history."""

    HISTORY, LIVE = "history", "live"

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV in UTF-8 with a header; a column called e-mail is all it needs."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
        error_messages={"required": _("Choose a file."), "empty": _("This file is empty.")},
    )
    campaign = forms.CharField(
        label=_("Campaign"),
        required=False,
        max_length=150,
        help_text=_("The effort that these contacts met, such as a trade fair. Made when there is none of this name."),
        widget=forms.TextInput(attrs={"list": "known-campaigns", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label=_("What it is"),
        choices=[
            (HISTORY, _("History: starts no clock and tells nobody")),
            (LIVE, _("Happening now: whoever crosses the threshold comes to the queue")),
        ],
        initial=HISTORY,
        widget=forms.RadioSelect,
    )

    def clean(self) -> dict[str, Any]:
        """Add `is_history`."""
        cleaned = super().clean() or {}
        return cleaned | {"is_history": cleaned.get("kind") != self.LIVE}
