"""Which pages a person finds in the menu."""

from __future__ import annotations

from crm.navigation import BY_ROLE, TABS, Navigation, navigation_for


def paths(navigation: Navigation) -> list[str]:
    return [item.path for group in navigation.groups for item in group.items]


def test_the_first_role_decides_home_and_the_bar_of_the_phone():
    navigation = navigation_for(roles=["salesperson", "marketer"], path="/", counts={})
    assert navigation.home == "/inbox/"
    assert [item.path for item in navigation.tabs] == ["/inbox/", "/contacts/", "/opportunities/"]


def test_several_roles_see_all_their_pages_once():
    navigation = navigation_for(roles=["salesperson", "marketer"], path="/", counts={})
    assert {"/inbox/", "/queue/", "/scoring/"} <= set(paths(navigation))
    assert len(paths(navigation)) == len(set(paths(navigation)))
    titles = [str(group.title) for group in navigation.groups]
    assert len(titles) == len(set(titles))


def test_a_page_below_an_entry_marks_the_entry():
    navigation = navigation_for(roles=["marketer"], path="/contacts/17/", counts={})
    current = [item.path for group in navigation.groups for item in group.items if item.is_current]
    assert current == ["/contacts/"]
    assert [item.is_current for item in navigation.tabs] == [False, True]


def test_counts_stand_beside_their_entries():
    navigation = navigation_for(roles=["marketer"], path="/alerts/", counts={"queue": 14, "alerts": 0})
    assert navigation.tabs[0].count == 14
    assert navigation.tabs[1].count is None
    assert navigation.alerts.count == 0
    assert navigation.alerts.is_current


def test_nobody_without_a_role_sees_pages():
    navigation = navigation_for(roles=[], path="/", counts={})
    assert navigation.groups == ()
    assert navigation.home == "/"


def test_the_bar_of_a_phone_leads_only_to_pages_of_the_role():
    for role, tabs in TABS.items():
        known = {item.path for group in BY_ROLE[role] for item in group.items}
        assert {item.path for item in tabs} <= known, role
