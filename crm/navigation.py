"""Which pages each role finds in the sidebar and, on a phone, in the bar at the bottom: one table, trimmed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.models import Role

Label = str | Promise


@dataclass(frozen=True)
class NavItem:
    """One page. `count_key` names its number among `navigation_counts`."""

    label: Label
    path: str
    count_key: str = ""
    key: str = ""
    """The key pressed after `g`, which leads there from everywhere."""
    is_current: bool = False
    count: int | None = None


@dataclass(frozen=True)
class NavGroup:
    """Pages that serve one job; the first group has no title."""

    title: Label
    items: tuple[NavItem, ...]


@dataclass(frozen=True)
class Navigation:
    """What one person sees on one page."""

    groups: tuple[NavGroup, ...]
    tabs: tuple[NavItem, ...]
    """The few that stand in the bar of a phone."""
    alerts: NavItem
    home: str


QUEUE = NavItem(_("Queue"), "/queue/", count_key="queue", key="q")
INBOX = NavItem(_("Inbox"), "/inbox/", count_key="inbox", key="i")
SLA = NavItem(_("SLA"), "/sla/", count_key="sla", key="s")
UNNOTICED = NavItem(_("Unnoticed"), "/sla/unnoticed/", count_key="unnoticed", key="u")
ALERTS = NavItem(_("Alerts"), "/alerts/", count_key="alerts", key="a")
CONTACTS = NavItem(_("Contacts"), "/contacts/", key="c")
COMPANIES = NavItem(_("Companies"), "/companies/")
OPPORTUNITIES = NavItem(_("Opportunities"), "/opportunities/", count_key="opportunities", key="o")
TASKS = NavItem(_("Tasks"), "/tasks/", key="d")
CAMPAIGNS = NavItem(_("Campaigns"), "/campaigns/")
IMPORTS = NavItem(_("Imports"), "/imports/")
SCORING = NavItem(_("Scoring"), "/scoring/")
PERSONAS = NavItem(_("Personas"), "/personas/")
SEGMENTS = NavItem(_("Segments"), "/segments/")
HANDOFFS = NavItem(_("Handoffs"), "/handoffs/")
POLICIES = NavItem(_("Policies"), "/settings/policies/")
ROUTING = NavItem(_("Routing"), "/settings/routing/")
CALENDARS = NavItem(_("Calendars"), "/settings/calendars/")
DEFINITIONS = NavItem(_("Definitions"), "/settings/definitions/")
DELIVERIES = NavItem(_("Deliveries"), "/settings/deliveries/")
WEBHOOKS = NavItem(_("Webhooks"), "/settings/webhooks/")
SETTINGS = NavItem(_("Settings"), "/settings/")

BY_ROLE: Mapping[str, tuple[NavGroup, ...]] = {
    Role.MARKETER: (
        NavGroup("", (QUEUE, CONTACTS, COMPANIES)),
        NavGroup(_("Bring in"), (CAMPAIGNS, IMPORTS)),
        NavGroup(_("Judge"), (SCORING, PERSONAS, SEGMENTS)),
        NavGroup(_("Together"), (HANDOFFS, DEFINITIONS)),
    ),
    Role.SALESPERSON: (
        NavGroup("", (INBOX, TASKS, CONTACTS, COMPANIES, OPPORTUNITIES)),
        NavGroup(_("Together"), (HANDOFFS, DEFINITIONS)),
    ),
    Role.MANAGER: (
        NavGroup("", (SLA, UNNOTICED, QUEUE)),
        NavGroup(_("Rows"), (CONTACTS, COMPANIES, HANDOFFS, OPPORTUNITIES, TASKS)),
        NavGroup(_("Bring in"), (CAMPAIGNS, IMPORTS)),
        NavGroup(_("Judge"), (SCORING, PERSONAS, SEGMENTS)),
        NavGroup(_("Promise"), (DEFINITIONS, ROUTING, POLICIES, CALENDARS)),
    ),
    Role.ADMIN: (
        NavGroup("", (SETTINGS, CONTACTS, COMPANIES)),
        NavGroup(_("Promise"), (DEFINITIONS, ROUTING, POLICIES, CALENDARS)),
        NavGroup(_("Bring in"), (CAMPAIGNS, IMPORTS)),
        NavGroup(_("Judge"), (SCORING, PERSONAS, SEGMENTS)),
        NavGroup(_("Together"), (SLA, UNNOTICED, QUEUE, HANDOFFS, OPPORTUNITIES)),
        NavGroup(_("Tell"), (DELIVERIES, WEBHOOKS)),
    ),
}
"""For each role its groups, in the order of the sidebar."""

TABS: Mapping[str, tuple[NavItem, ...]] = {
    Role.MARKETER: (QUEUE, CONTACTS),
    Role.SALESPERSON: (INBOX, CONTACTS, OPPORTUNITIES),
    Role.MANAGER: (SLA, CONTACTS, HANDOFFS),
    Role.ADMIN: (SETTINGS, CONTACTS),
}
"""For each role the pages in the bar of a phone; alerts and everything else follow them."""


def navigation_for(*, roles: Sequence[str], path: str, counts: Mapping[str, int]) -> Navigation:
    """The entries of a person's roles, the first role's first, each page once; the page at `path` is current."""
    groups = _groups_of(roles)
    everything = [item for group in groups for item in group.items] + [ALERTS]
    current = max((item.path for item in everything if path.startswith(item.path)), key=len, default="")

    def seen(item: NavItem) -> NavItem:
        return replace(item, is_current=item.path == current, count=counts.get(item.count_key))

    first = roles[0] if roles else ""
    return Navigation(
        groups=_map_groups(groups, seen),
        tabs=tuple(seen(item) for item in TABS.get(first, ())),
        alerts=seen(ALERTS),
        home=groups[0].items[0].path if groups else "/",
    )


def _groups_of(roles: Sequence[str]) -> tuple[NavGroup, ...]:
    """The groups of every role; those with the same title become one, and no page comes twice."""
    found: dict[str, tuple[Label, list[NavItem]]] = {}
    taken: set[str] = set()
    for role in roles:
        for group in BY_ROLE.get(role, ()):
            _title, items = found.setdefault(str(group.title), (group.title, []))
            items.extend(item for item in group.items if item.path not in taken)
            taken.update(item.path for item in group.items)
    return tuple(NavGroup(title, tuple(items)) for title, items in found.values() if items)


def _map_groups(groups: Sequence[NavGroup], change: Callable[[NavItem], NavItem]) -> tuple[NavGroup, ...]:
    return tuple(NavGroup(group.title, tuple(change(item) for item in group.items)) for group in groups)
