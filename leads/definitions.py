"""What the words of the hand-over mean: agreed once by both teams, shown wherever the words are used.

A word starts with the meaning that Baton comes with, in the reader's language. Whoever changes it writes the next
version; the newest holds for everybody, and all are kept.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid, NotFound
from leads import words
from leads.models import DefinitionVersion

if TYPE_CHECKING:
    from crm.models import User

WORDS = tuple(words.DEFINITIONS)
LONGEST_TEXT = 1000


def meanings() -> dict[str, str]:
    """What every word means now, by its code; one query."""
    known = {code: str(text) for code, text in words.DEFINITIONS.items()}
    return known | dict(DefinitionVersion.objects.order_by("number").values_list("word", "text"))


def written_meanings(stage_column: str, *others: str) -> dict[str, Subquery]:
    """What to annotate rows with so that they bring along what their stage and the other words mean, without a query of
    its own: `stage_meaning`, `hot_meaning`; None where nobody has written it otherwise.
    """
    newest = DefinitionVersion.objects.order_by("-number").values("text")
    asked: dict[str, Any] = {"stage": OuterRef(stage_column), **{word: word for word in others}}
    return {f"{name}_meaning": Subquery(newest.filter(word=word)[:1]) for name, word in asked.items()}


def write(*, word: str, text: str, seen: int, actor: User, at: dt.datetime) -> DefinitionVersion:
    """The next version of what a word means. `seen`: the number of the version that was read, 0 for the first meaning.

    Raises `NotFound`, `Invalid`, and `Conflict` where somebody else wrote one since that was read.
    """
    if word not in WORDS:
        raise NotFound(_("There is no such word."))
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise Invalid(_("Say what it means in up to %(most)d characters.") % {"most": LONGEST_TEXT}, field="text")
    last = DefinitionVersion.objects.filter(word=word).select_related("actor").order_by("-number").first()
    if last is not None and last.number == seen and last.text == text:
        return last
    if (last.number if last else 0) == seen:
        try:
            with transaction.atomic():
                return DefinitionVersion.objects.create(word=word, number=seen + 1, text=text, actor=actor, at=at)
        except IntegrityError:
            last = DefinitionVersion.objects.filter(word=word).select_related("actor").latest("number")
    who = last.actor if last else _("Somebody")
    raise Conflict(_("%(who)s changed it meanwhile. Read the new words, then save yours again.") % {"who": who})
