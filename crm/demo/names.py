"""Invented people and companies of four countries. Whoever they resemble, it is by chance."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Firm:
    """A company that buys, or might."""

    name: str
    country: str
    city: str
    industry: str
    employees: int

    @property
    def domain(self) -> str:
        """Its invented domain; nothing under .example belongs to anybody."""
        return "-".join(ascii_words(_without_form(self.name))) + ".example"


@dataclass(frozen=True)
class Person:
    """Somebody at a firm."""

    first_name: str
    last_name: str
    job_title: str
    firm: Firm
    phone: str
    mailbox: str = ""

    @property
    def email(self) -> str:
        """`mailbox` where given, else first.last at the firm."""
        local = ".".join(ascii_words(self.first_name) + ascii_words(self.last_name))
        return self.mailbox or f"{local}@{self.firm.domain}"


LEGAL_FORMS = ("Oy", "Oyj", "Sp. z o.o.", "S.A.", "AD", "OOD", "EOOD", "d.o.o.", "d.d.")
LANGUAGES = {"FI": "fi", "PL": "pl", "BG": "bg", "SI": "sl"}
TIME_ZONES = {"FI": "Europe/Helsinki", "PL": "Europe/Warsaw", "BG": "Europe/Sofia", "SI": "Europe/Ljubljana"}
PHONES = {
    "FI": "+358 9 555 {:04d}",
    "PL": "+48 58 555 {:02d} {:02d}",
    "BG": "+359 2 555 {:04d}",
    "SI": "+386 1 555 {:04d}",
}
CITIES = {
    "FI": ("Helsinki", "Tampere", "Turku", "Oulu", "Lahti", "Kuopio", "Vaasa", "Kajaani", "Pori"),
    "PL": ("Gdynia", "Gdańsk", "Wrocław", "Poznań", "Łódź", "Kraków", "Katowice", "Białystok", "Toruń"),
    "BG": ("Sofia", "Plovdiv", "Varna", "Burgas", "Ruse", "Stara Zagora", "Pleven"),
    "SI": ("Ljubljana", "Maribor", "Celje", "Koper", "Kranj", "Nova Gorica", "Novo mesto"),
}
REGIONS = {
    "FI": ("Pohjola", "Satakunta", "Kainuun", "Merikarhu", "Lakeus", "Saimaan", "Hämeen", "Kymen", "Savon", "Karelia"),
    "PL": ("Bałtyk", "Warta", "Śląsk", "Odra", "Wisła", "Mazur", "Tatra", "Narew", "Noteć", "Podlasie", "Kujawy"),
    "BG": ("Trakia", "Dunav", "Rila", "Balkan", "Pirin", "Maritsa", "Vitosha", "Rodopi"),
    "SI": ("Alpina", "Kras", "Soča", "Pivka", "Drava", "Gorica", "Mura", "Savinja"),
}
TRADES = {
    "FI": {
        "Pakkaus": "manufacturing",
        "Valimo": "manufacturing",
        "Puu": "wood",
        "Shipping": "logistics",
        "Kone": "manufacturing",
        "Leipä": "food",
        "Kuljetus": "logistics",
    },
    "PL": {
        "Logistyka": "logistics",
        "Tekstylia": "textiles",
        "Stal": "manufacturing",
        "Meble": "furniture",
        "Opakowania": "manufacturing",
        "Chłodnie": "food",
        "Papier": "manufacturing",
        "Spedycja": "logistics",
    },
    "BG": {
        "Mebel": "furniture",
        "Pharma": "pharmacy",
        "Foods": "food",
        "Steklo": "manufacturing",
        "Logistik": "logistics",
        "Tekstil": "textiles",
    },
    "SI": {
        "Žage": "wood",
        "Logistika": "logistics",
        "Plastika": "manufacturing",
        "Mlekarna": "food",
        "Papir": "manufacturing",
        "Les": "wood",
    },
}
FORMS = {"FI": ("Oy",), "PL": ("Sp. z o.o.", "S.A."), "BG": ("AD", "OOD", "EOOD"), "SI": ("d.o.o.", "d.d.")}
SIZES = (18, 35, 60, 90, 140, 210, 260, 340, 480, 620, 900, 1400, 2600)

# First names of women and of men; surnames of women and of men, in the same order.
FIRST_NAMES = {
    "FI": (
        ("Hanna", "Sanna", "Eeva", "Outi", "Tiina", "Laura", "Minna", "Kaisa"),
        ("Joonas", "Ville", "Pekka", "Antti", "Eero", "Juha", "Timo", "Lauri"),
    ),
    "PL": (
        ("Magdalena", "Agata", "Monika", "Ewa", "Beata", "Joanna", "Dorota", "Zofia"),
        ("Paweł", "Tomasz", "Grzegorz", "Marcin", "Marek", "Piotr", "Jakub", "Rafał"),
    ),
    "BG": (
        ("Desislava", "Elitsa", "Ralitsa", "Mariya", "Vesela", "Yana"),
        ("Nikolay", "Zdravko", "Petar", "Ivan", "Stoyan", "Dimitar"),
    ),
    "SI": (("Tjaša", "Anja", "Ines", "Katja", "Nina", "Špela"), ("Luka", "Rok", "Boris", "Matej", "Gregor", "Žiga")),
}
LAST_NAMES = {
    "FI": (
        (
            "Virtanen",
            "Mäkelä",
            "Heikkinen",
            "Nieminen",
            "Salonen",
            "Hämäläinen",
            "Laine",
            "Koskinen",
            "Rantanen",
            "Lehtonen",
        ),
    )
    * 2,
    "PL": (
        (
            "Wiśniewska",
            "Mazur",
            "Jabłońska",
            "Dąbrowska",
            "Szymańska",
            "Krajewska",
            "Lewandowska",
            "Nowicka",
            "Pawlak",
            "Kowalska",
        ),
        (
            "Wiśniewski",
            "Mazur",
            "Jabłoński",
            "Dąbrowski",
            "Szymański",
            "Krajewski",
            "Lewandowski",
            "Nowicki",
            "Pawlak",
            "Kowalski",
        ),
    ),
    "BG": (
        ("Petrova", "Ivanova", "Stoyanova", "Ilieva", "Koleva", "Todorova", "Georgieva", "Hristova"),
        ("Petrov", "Ivanov", "Stoyanov", "Iliev", "Kolev", "Todorov", "Georgiev", "Hristov"),
    ),
    "SI": (("Horvat", "Kos", "Kralj", "Bizjak", "Zupančič", "Potočnik", "Mlakar", "Hribar", "Vidmar"),) * 2,
}
JOB_TITLES = (
    "Head of operations",
    "Plant director",
    "Warehouse manager",
    "Logistics manager",
    "Supply chain manager",
    "Managing director",
    "Buyer",
    "Production planner",
    "Dock supervisor",
    "CFO",
    "Quality manager",
    "Shift leader",
    "",
)
# Letters that do not come apart into a plain one and an accent.
PLAIN_LETTERS = str.maketrans("łŁøØđĐ", "lLoOdD")


def ascii_words(text: str) -> list[str]:
    """The words of `text` in small plain letters, as they stand in addresses."""
    plain = unicodedata.normalize("NFKD", text.translate(PLAIN_LETTERS)).encode("ascii", "ignore").decode()
    return "".join(letter if letter.isalnum() else " " for letter in plain.lower()).split()


def make_firms(dice: random.Random, *, known: dict[str, Firm], count: int) -> list[Firm]:
    """`count` firms beside those `known` by name, each name once."""
    names = [
        (country, region, trade)
        for country, regions in REGIONS.items()
        for region in regions
        for trade in TRADES[country]
    ]
    dice.shuffle(names)
    firms: list[Firm] = []
    for country, region, trade in names:
        name = f"{region} {trade} {dice.choice(FORMS[country])}"
        if any(_without_form(one) == f"{region} {trade}" for one in known):
            continue
        firms.append(Firm(name, country, dice.choice(CITIES[country]), TRADES[country][trade], dice.choice(SIZES)))
        if len(firms) == count:
            break
    return firms


def make_people(dice: random.Random, *, firms: list[Firm], count: int, taken: set[str]) -> list[Person]:
    """`count` people at these firms, each with an address of their own that is not `taken`; these are added to it."""
    people: list[Person] = []
    while len(people) < count:
        firm = dice.choice(firms)
        sex = dice.randrange(2)
        first = dice.choice(FIRST_NAMES[firm.country][sex])
        last = dice.choice(LAST_NAMES[firm.country][sex])
        person = Person(first, last, dice.choice(JOB_TITLES), firm, make_phone(dice, firm.country))
        if person.email not in taken:
            taken.add(person.email)
            people.append(person)
    return people


def make_phone(dice: random.Random, country: str) -> str:
    """A number of the range that films use, in the manner of the country."""
    return PHONES[country].format(dice.randrange(10, 99), dice.randrange(10, 99))


def _without_form(name: str) -> str:
    for form in sorted(LEGAL_FORMS, key=len, reverse=True):
        if name.endswith(" " + form):
            return name.removesuffix(" " + form)
    return name
