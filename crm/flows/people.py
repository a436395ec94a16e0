"""People who work with Baton: entering them, changing what they may do, letting them go."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Forbidden, Invalid, NotFound
from crm.flows import ways_out
from crm.models import Departure, Role, User
from leads import routing
from sla import calendars

FIELDS = (
    "email",
    "name",
    "team",
    "language",
    "time_zone",
    "calendar",
    "capacity",
    "daily_capacity",
    "is_on_duty",
    "is_active",
)
PASSWORD_BYTES = 12


@transaction.atomic
def create_person(*, actor: User, values: dict[str, Any], roles: Sequence[str], at: dt.datetime) -> tuple[User, str]:
    """Enter a person and return them with a first password, which is kept nowhere.

    `values` are columns named in `FIELDS`; the first of `roles` decides the home page. Raises `Forbidden`, `Invalid`.
    """
    _require_admin(actor)
    _require_roles(roles)
    person = User()
    _set(person, values, at=at)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    person.set_password(password)
    person.save()
    person.set_roles(tuple(roles))
    return person, password


@transaction.atomic
def edit_person(*, actor: User, person_id: int, values: dict[str, Any], roles: Sequence[str], at: dt.datetime) -> User:
    """Change a person. Nobody who holds something goes or goes off duty, and one administrator always stays.

    What becomes of it is said to `flows.departures.depart`, which lets them go. Raises `Forbidden`, `NotFound`,
    `HandOverFirst`, `Invalid`.
    """
    _require_admin(actor)
    _require_roles(roles)
    # Nobody is given a lead while what they can take is being changed.
    routing.hold()
    person = User.objects.select_for_update().filter(id=person_id).first()
    if person is None:
        raise NotFound(_("There is no such person."))
    kind = ways_out.way_out(person, values=values, roles=roles)
    if kind:
        ways_out.require_nothing_held(person, kind=kind)
    if kind == Departure.Kind.LEAVE or Role.ADMIN not in roles:
        require_another_admin(person, field="is_active" if kind == Departure.Kind.LEAVE else "roles")
    _set(person, values, at=at)
    person.save(update_fields=[name for name in FIELDS if name in values])
    if list(roles) != person.roles:
        person.set_roles(tuple(roles))
    return person


@transaction.atomic
def set_duty(*, actor: User, person_id: int, is_on_duty: bool, at: dt.datetime) -> User:
    """Set a salesperson on duty or off: for managers too, who see who waits.

    Raises `Forbidden`, `NotFound`, and `HandOverFirst` where somebody goes off duty who holds something.
    """
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Who is on duty is for managers and administrators to say."))
    routing.hold()
    sellers = User.objects.with_role(Role.SALESPERSON).select_for_update(of=("self",))
    person = sellers.filter(id=person_id).first()
    if person is None:
        raise NotFound(_("There is no such salesperson."))
    if person.is_on_duty and not is_on_duty:
        ways_out.require_nothing_held(person, kind=Departure.Kind.OFF_DUTY)
    person.is_on_duty = is_on_duty
    person.save(update_fields=["is_on_duty"])
    return person


@transaction.atomic
def set_absence(*, actor: User, person_id: int, days: tuple[dt.date, dt.date] | None, at: dt.datetime) -> User:
    """Say from which day to which somebody is out of office, both included, or by None that they are back.

    For themselves, managers and administrators. What moved meanwhile does not move back. Raises `NotFound`, `Invalid`,
    and `HandOverFirst` where they would be away longer than is known and hold something.
    """
    routing.hold()
    person = User.objects.select_for_update(of=("self",), no_key=True).filter(id=person_id).first()
    if person is None or not (person == actor or actor.is_manager or actor.is_admin):
        raise NotFound(_("There is no such person."))
    is_going = days is not None and ways_out.is_away_longer(person, first=days[0], last=days[1], at=at)
    person.away_from, person.away_until = (
        ways_out.absence_of(person, first=days[0], last=days[1], at=at) if days else (None, None)
    )
    if is_going:
        ways_out.require_nothing_held(person, kind=Departure.Kind.AWAY)
    person.save(update_fields=["away_from", "away_until"])
    return person


@transaction.atomic
def give_password(*, actor: User, person_id: int, at: dt.datetime) -> tuple[User, str]:
    """Replace a person's password by a new one, which is returned and kept nowhere. Raises `Forbidden`, `NotFound`."""
    _require_admin(actor)
    person = User.objects.select_for_update().filter(id=person_id).first()
    if person is None:
        raise NotFound(_("There is no such person."))
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    person.set_password(password)
    person.save(update_fields=["password"])
    return person, password


def _require_admin(actor: User) -> None:
    if not actor.is_admin:
        raise Forbidden(_("People are for administrators to enter and change."))


def _require_roles(roles: Sequence[str]) -> None:
    if not roles:
        raise Invalid(_("Give at least one role; without one a person sees nothing."), field="roles")


def require_another_admin(person: User, *, field: str) -> None:
    """Raise `Invalid` where nobody would be left to let others in."""
    if person.is_admin and not User.objects.with_role(Role.ADMIN).exclude(id=person.pk).exists():
        raise Invalid(_("%(name)s is the last administrator. Make another one first.") % {"name": person}, field=field)


def _set(person: User, values: dict[str, Any], *, at: dt.datetime) -> None:
    """Set the columns and check them. Raises `Invalid` for the first that is wrong."""
    for name in FIELDS:
        if name in values:
            setattr(person, name, values[name])
    if person.calendar is not None:
        calendars.require_use(person.calendar, at=at)
    person.email = person.email.strip().lower()
    if User.objects.filter(email=person.email).exclude(id=person.pk).exists():
        raise Invalid(_("There is a person with this address already."), field="email")
    try:
        person.clean_fields(exclude=["password", "created_at"])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Invalid(" ".join(messages), field=name) from error
