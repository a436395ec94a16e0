"""What people type about offers on their way and about customers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads import currencies
from leads.forms import CommentField
from leads.models import Opportunity

DATE_FORMAT = "%Y-%m-%d"


class SentField(forms.DateField):
    """The day on which an offer was sent."""

    widget = forms.DateInput(format=DATE_FORMAT, attrs={"type": "date"})

    def __init__(self, **kwargs: Any) -> None:
        messages = {"invalid": _("Choose a day, such as 2027-01-12.")}
        given: dict[str, Any] = {"label": _("Offer sent on"), "required": False}
        given |= {"help_text": _("Empty: it is still to be offered."), "error_messages": messages}
        super().__init__(**{"input_formats": [DATE_FORMAT]} | given | kwargs)


class OfferForm(forms.Form):
    """Money to talk about."""

    name = forms.CharField(label=_("What is offered"), max_length=150, required=False)
    amount = forms.DecimalField(
        label=_("Amount"),
        max_digits=14,
        decimal_places=2,
        min_value=Decimal(0),
        localize=True,
        error_messages={"required": _("Give the amount of the offer."), "invalid": _("Give the amount as a number.")},
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=currencies.CHOICES, initial=currencies.USUAL[0])
    sent_date = SentField(initial=timezone.localdate)


class OfferChangeForm(OfferForm):
    """The same of an open one; nothing here makes an offer unsent."""

    name = forms.CharField(label=_("What is offered"), max_length=150)
    sent_date = SentField(help_text="")

    def __init__(self, data: Any = None, *, offer: Opportunity | None = None, auto_id: str = "change_form_%s") -> None:
        initial = {name: getattr(offer, name) for name in ("name", "amount", "currency", "sent_date")} if offer else {}
        super().__init__(data, auto_id=auto_id, initial=initial)
        self.offer = offer

    def clean(self) -> dict[str, Any]:
        """A day that is left empty stays as it is."""
        cleaned = super().clean() or {}
        if cleaned.get("sent_date") is None or (self.offer and self.offer.step == Opportunity.Step.TO_OFFER):
            cleaned.pop("sent_date", None)
        return cleaned


class MoveForm(forms.Form):
    """How far the talks have come."""

    step = forms.ChoiceField(
        choices=Opportunity.Step.choices, error_messages={"invalid_choice": _("There is no such step.")}
    )


class SatisfactionForm(forms.Form):
    """How satisfied a customer is."""

    rating = forms.TypedChoiceField(
        label=_("How satisfied are they?"),
        choices=[(str(n), str(n)) for n in range(1, 6)],
        coerce=int,
        error_messages={"required": _("Rate from 1 to 5."), "invalid_choice": _("Rate from 1 to 5.")},
    )
    comment = CommentField(label=_("What they said"))
