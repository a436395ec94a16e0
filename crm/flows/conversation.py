"""What marketing and sales say to each other about a lead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from crm import notices
from crm.errors import Invalid, NotFound
from crm.models import User
from crm.models.notices import NoticeKind
from leads import mentions
from leads.mentions import Person, Unclear
from leads.models import Contact, Handoff, HandoffComment
from leads.models.comments import LONGEST_COMMENT

MOST_MENTIONS = 20
NOTICE_LENGTH = 300


@transaction.atomic
def comment(*, actor: User, handoff_id: int, text: str, at: dt.datetime) -> HandoffComment:
    """Say something about a lead to whoever works with it; those whom the text names with an @ are told of it.

    Whoever may see the contact may speak. Names are written out in what is kept. Raises `NotFound`, and `Invalid` for
    `text` when it is empty or too long, or names somebody who is not there, not one person, or may not see the contact.
    """
    handoff = Handoff.objects.select_related("contact").filter(id=handoff_id).first()
    if handoff is None or not Contact.objects.visible_to(actor).filter(id=handoff.contact_id).exists():
        raise NotFound(_("There is no such handoff."))
    said = read_words(text.strip(), contact=handoff.contact, field="text")
    if not said.text:
        raise Invalid(_("Write what you want to say."), field="text")
    made = HandoffComment.objects.create(handoff=handoff, author=actor, at=at, text=said.text, names=list(said.names))
    made.mentions.set(said.people)
    _tell(made, said.people)
    return made


@dataclass(frozen=True)
class Said:
    """Words with everybody they name written out, and who they are."""

    text: str
    people: tuple[User, ...] = ()
    names: tuple[str, ...] = ()
    """The people as they stand in the text."""


def read_words(text: str, *, contact: Contact, field: str = "comment") -> Said:
    """Find whom words about `contact` name with an @: those of a comment, and those that go with an answer.

    Raises `Invalid` for `field` when they are too long, or name somebody who is not there, not one person, or may not
    see the contact.
    """
    if "@" not in text and len(text) <= LONGEST_COMMENT:
        return Said(text)
    people = {one.pk: one for one in User.objects.filter(is_active=True).prefetch_related("role_rows")}
    read = mentions.read(text, [Person(one.pk, one.name, one.email) for one in people.values()])
    if read.unclear:
        raise Invalid(" ".join(_unclear(one) for one in dict.fromkeys(read.unclear)), field=field)
    if len(read.text) > LONGEST_COMMENT:
        raise Invalid(_("Say it in at most %(n)d characters.") % {"n": LONGEST_COMMENT}, field=field)
    if len(read.people) > MOST_MENTIONS:
        raise Invalid(_("Name at most %(n)d people at once.") % {"n": MOST_MENTIONS}, field=field)
    named = tuple(people[one.id] for one in read.people)
    if strangers := [str(one) for one in named if not _may_see(one, contact)]:
        raise Invalid(
            _("%(names)s may not see %(contact)s: it is not theirs. Leave the @ out, or ask who has the lead.")
            % {"names": ", ".join(strangers), "contact": contact},
            field=field,
        )
    return Said(read.text, named, read.names)


def notice_params(by: User, text: str) -> dict[str, str]:
    """What the notice says to somebody whom `by` named in `text`."""
    return {"by": str(by), "text": Truncator(text).chars(NOTICE_LENGTH)}


def _unclear(found: Unclear) -> str:
    """A sentence on a name that could not be told."""
    if not found.people:
        return _("Nobody here is called %(word)s: write a name or an e-mail address behind the @, or leave it out.") % {
            "word": found.word
        }
    return _("%(word)s may be %(people)s: write the whole name, or the e-mail address behind the @.") % {
        "word": found.word,
        "people": _(" or ").join(f"{one.name} ({one.email})" for one in found.people),
    }


def _may_see(person: User, contact: Contact) -> bool:
    return person.sees_all_contacts or Contact.objects.visible_to(person).filter(id=contact.pk).exists()


def _tell(said: HandoffComment, named: Iterable[User]) -> None:
    """Tell those who were named; who named themselves knows."""
    notices.tell(
        [
            notices.Draft(
                kind=NoticeKind.MENTIONED,
                dedup_key=f"mentioned:{said.pk}:{person.pk}",
                recipient_id=person.pk,
                contact_id=said.handoff.contact_id,
                handoff_id=said.handoff_id,
                params=notice_params(said.author, said.text),
            )
            for person in named
            if person.pk != said.author_id
        ],
        at=said.at,
    )
