"""The two letters of a country by the names that stand in people's files."""

from __future__ import annotations

_NAMES = {
    "AT": ("austria", "itävalta", "австрия", "avstrija"),
    "AU": ("australia",),
    "BE": ("belgium", "belgia", "белгия", "belgija"),
    "BG": ("bulgaria", "bulgaria", "bułgaria", "българия", "bolgarija"),
    "BR": ("brazil", "brasil"),
    "CA": ("canada", "kanada"),
    "CH": ("switzerland", "sveitsi", "szwajcaria", "швейцария", "švica"),
    "CZ": ("czechia", "czech republic", "tšekki", "czechy", "чехия", "češka"),
    "DE": ("germany", "deutschland", "saksa", "niemcy", "германия", "nemčija"),
    "DK": ("denmark", "tanska", "dania", "дания", "danska"),
    "EE": ("estonia", "viro", "естония", "estonija"),
    "ES": ("spain", "españa", "espanja", "hiszpania", "испания", "španija"),
    "FI": ("finland", "suomi", "finlandia", "финландия", "finska"),
    "FR": ("france", "ranska", "francja", "франция", "francija"),
    "GB": ("united kingdom", "great britain", "uk", "england", "scotland", "iso britannia", "wielka brytania"),
    "GR": ("greece", "kreikka", "grecja", "гърция", "grčija"),
    "HR": ("croatia", "kroatia", "chorwacja", "хърватия", "hrvaška"),
    "HU": ("hungary", "unkari", "węgry", "унгария", "madžarska"),
    "IE": ("ireland", "irlanti", "irlandia", "ирландия", "irska"),
    "IN": ("india", "intia"),
    "IT": ("italy", "italia", "włochy", "италия", "italija"),
    "LT": ("lithuania", "liettua", "litwa", "литва", "litva"),
    "LU": ("luxembourg", "luxemburg", "luksemburg"),
    "LV": ("latvia", "łotwa", "латвия", "latvija"),
    "NL": ("netherlands", "the netherlands", "holland", "alankomaat", "holandia", "нидерландия", "nizozemska"),
    "NO": ("norway", "norja", "norwegia", "норвегия", "norveška"),
    "PL": ("poland", "polska", "puola", "полша", "poljska"),
    "PT": ("portugal", "portugali", "portugalia", "португалия", "portugalska"),
    "RO": ("romania", "rumunia", "румъния", "romunija"),
    "RS": ("serbia", "сърбия", "srbija"),
    "SE": ("sweden", "sverige", "ruotsi", "szwecja", "швеция", "švedska"),
    "SI": ("slovenia", "slovenija", "słowenia", "словения"),
    "SK": ("slovakia", "słowacja", "словакия", "slovaška"),
    "TR": ("turkey", "türkiye", "turkki", "turcja", "турция", "turčija"),
    "UA": ("ukraine", "ukraina", "украйна", "ukrajina"),
    "US": ("united states", "united states of america", "usa", "u s a", "us", "yhdysvallat", "stany zjednoczone"),
    "ZA": ("south africa", "etelä afrikka"),
}
_CODES = {name: code for code, names in _NAMES.items() for name in names}


def country_code(text: str) -> str:
    """The ISO 3166 letters of a country given by name or by code; empty for one that is not known here."""
    name = " ".join(text.casefold().replace(".", " ").replace("-", " ").split())
    if len(name) == 2 and name.isascii() and name.isalpha():
        return _CODES.get(name, name.upper())
    return _CODES.get(name, "")
