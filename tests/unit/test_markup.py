"""What holds for every template and stylesheet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = sorted(
    path
    for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html")
    if "mail" not in path.relative_to(settings.BASE_DIR).parts
)
TOKENS = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text()
PAIRS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", TOKENS))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_a_template_has_no_inline_style_or_script(path):
    text = re.sub(r"{#.*?#}|{%.*?%}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"\sstyle\s*=", text), "the Content-Security-Policy refuses inline styles"
    assert not re.search(r"\son[a-z]+\s*=", text), "the Content-Security-Policy refuses inline handlers"
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)", text), "styles and scripts are files"


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["canvas", "surface", "sunken", "accent-soft"])
@pytest.mark.parametrize("ink", ["ink", "ink-2", "ink-3", "accent", "red", "amber", "green"])
def test_text_can_be_read_on_every_ground(ink, ground, theme):
    pair = [PAIRS[name].split(", ")[theme] for name in (ink, ground)]
    assert contrast(*pair) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("fill", ["field-border", "red-fill", "amber-fill", "grey-strong", "accent"])
def test_borders_and_fills_stand_out_from_their_surface(fill, theme):
    pair = [PAIRS[name].split(", ")[theme] for name in (fill, "surface")]
    assert contrast(*pair) >= 3


def test_every_token_that_a_stylesheet_uses_exists():
    defined = set(re.findall(r"(--[\w-]+):", TOKENS)) | {"--side"}
    for path in (Path(settings.BASE_DIR) / "static/css").glob("*.css"):
        used = set(re.findall(r"var\((--[\w-]+)", path.read_text()))
        assert used <= defined, f"{path.name} uses {used - defined}"
