"""Every word that a page shows can be put into another language."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = settings.BASE_DIR / "templates"
SAME_EVERYWHERE = {"Baton", "CSV"}
TRANSLATED = re.compile(
    r"{% blocktranslate.*?endblocktranslate %}|{% comment %}.*?endcomment %}|{[#%{].*?[#%}]}", re.DOTALL
)
CODE = re.compile(r"<(code|kbd|style|script)\b.*?</\1>", re.DOTALL)
SAID_BY_ATTRIBUTES = re.compile(r'\s(?:aria-label|placeholder|title|alt|data-confirm[\w-]*|data-key-label)="([^"]*)"')
WORD = re.compile(r"[^\W\d_]{2,}")


def untranslated(template: str) -> set[str]:
    """The words outside of gettext, code and keys."""
    text = re.sub(r"&#?\w+;", "", CODE.sub("", TRANSLATED.sub("", template)))
    said = [*SAID_BY_ATTRIBUTES.findall(text), re.sub(r"<[^>]*>", " ", text)]
    return {word for part in said for word in WORD.findall(part)} - SAME_EVERYWHERE


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_every_word_of_a_page_goes_through_gettext(path: Path):
    assert untranslated(path.read_text()) == set()


def test_words_outside_of_gettext_are_found():
    assert untranslated('<p title="Why">{% translate "Yes" %} and {{ name }}</p>') == {"Why", "and"}
