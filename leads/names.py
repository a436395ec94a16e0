"""When two names are the same name."""

from __future__ import annotations

import unicodedata

from leads.conditions import fold

LONGEST = 200
LONGEST_KEY = 4 * LONGEST  # a letter may have several in lower case


def company_name(name: str) -> str:
    """The name of a company as it is stored: one blank for any run of white space."""
    return " ".join(name.split())[:LONGEST].rstrip()


def company_key(name: str) -> str:
    """The name as it is compared: letters without regard to case, as conditions fold them, each in its composed form.

    "ACME  oy " is "Acme Oy".
    """
    return fold(unicodedata.normalize("NFC", company_name(name)))
