"""Two contacts that are one person: nothing is lost, the score is that of both ledgers, both addresses lead there."""

import datetime as dt
import math
import re
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import merging
from leads import services
from leads.models import (
    Activity,
    Company,
    Contact,
    ContactAddress,
    Handoff,
    ImportedContact,
    Merge,
    Opportunity,
    Qualification,
    Referral,
    StageChange,
    Touch,
)
from scoring import queries
from scoring.models import ActivityRule, Component, Score
from sla.models import Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ONE, OTHER = "eva@firm.example", "eva.virtanen@mail.example"

pytestmark = pytest.mark.django_db


def record(email, *types, at=AT, key="", by=None, **properties):
    return flows.record_activities(
        activities=[
            flows.ActivityIn(
                type=kind,
                occurred_at=at,
                external_id=f"{email}-{key}-{index}",
                contact=flows.ContactIn(email=email),
                properties=properties,
            )
            for index, kind in enumerate(types)
        ],
        by=by,
        actor=by,
        at=at,
    )


def contact(email):
    return Contact.objects.get(email=email)


def handed(email, *, at=AT):
    """Somebody who asked for a demo."""
    record(email, "demo_request", at=at, key="ask")
    return Handoff.objects.open().get(contact__email=email)


def merge(actor, *, kept=ONE, merged=OTHER, at=AT, **choices):
    return flows.merge_contacts(
        actor=actor, kept=contact(kept).pk, merged=contact(merged).pk, choices=choices, at=at + HOUR
    )


@pytest.fixture
def pair():
    """Two contacts who did little."""
    record(ONE, "page_view", path="/pricing")
    record(OTHER, "content_download")
    return contact(ONE), contact(OTHER)


@pytest.fixture
def nothing_differs():
    """After the test the stored figures are those of the ledger, and the constraints hold."""
    yield
    connection.check_constraints()
    out = StringIO()
    call_command("verify", stdout=out)
    assert out.getvalue().count("no differences") == 5, out.getvalue()


def test_every_row_that_points_at_a_contact_is_dealt_with():
    pointing = {
        (f"{model._meta.app_label}.{model.__name__}", field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model is Contact
    }
    assert set(merging.LEDGER) == {name for name, _field in pointing}
    # The moves ask for the rows by this name; that of referrals by both.
    assert {pair for pair in pointing if pair[1] != "contact"} == {("leads.Referral", "through")}


def test_who_led_to_whom_is_kept_unless_they_are_one(marketer, manager, salesperson):
    people = [flows.create_contact(actor=salesperson, values={"last_name": name}, at=AT) for name in ("A", "B")]
    values = {"reason": "wrong_person", "actor": salesperson, "at": AT}
    boss = flows.redirect(handoff_id=people[0].handoffs.get().pk, values={"last_name": "Boss"}, **values).contact
    twin = flows.create_contact(actor=marketer, values={"last_name": "Boss"}, at=AT)
    flows.merge_contacts(actor=manager, kept=twin.pk, merged=boss.pk, at=AT)
    assert list(Referral.objects.values_list("contact", "through")) == [(twin.pk, people[0].pk)]
    flows.merge_contacts(actor=manager, kept=twin.pk, merged=people[0].pk, at=AT)
    assert not Referral.objects.exists()


# The score ------------------------------------------------------------------------------------------------------------

KINDS = st.sampled_from(
    [
        ("page_view", {"path": "/pricing"}),
        ("content_download", {}),
        ("email_open", {"mail": "spring"}),
        ("email_open", {"mail": "autumn"}),
        ("email_click", {"mail": "spring"}),
        ("webinar_attended", {}),
        ("unsubscribe", {}),
    ]
)
LEDGERS = st.lists(st.tuples(KINDS, st.integers(0, 200 * 24), st.booleans()), min_size=1, max_size=14)
RULES = st.fixed_dictionaries(
    {
        "points": st.integers(-20, 40),
        "cap": st.none() | st.integers(0, 50),
        "floor": st.none() | st.integers(-50, 0),
        "half_life_days": st.none() | st.integers(1, 400),
        "once": st.booleans(),
    }
)


class _Undone(Exception):
    pass


@given(ledger=LEDGERS, rules=st.lists(RULES, min_size=12, max_size=12), points=st.integers(-30, 30))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_score_is_that_of_the_united_ledger_under_any_rules(marketer, ledger, rules, points):
    def items(email_of):
        return [
            flows.ActivityIn(
                type=kind[0],
                occurred_at=AT - hours * HOUR,
                external_id=f"a{index}",
                contact=flows.ContactIn(email=email_of(is_first)),
                properties=kind[1],
            )
            for index, (kind, hours, is_first) in enumerate(ledger)
        ]

    def outcome(act):
        """What `act` leaves behind of one contact, undone."""
        try:
            with transaction.atomic():
                for row, values in zip(ActivityRule.objects.order_by("id"), rules, strict=False):
                    row.points, row.cap, row.floor = values["points"], values["cap"], values["floor"]
                    row.half_life_days = values["half_life_days"]
                    row.once_per, row.within_days = ("mail" if values["once"] else ""), None
                    row.save()
                act()
                found = Contact.objects.get()
                replayed = queries.explain(found, at=AT)
                stored = Score.objects.get()
                assert math.isclose(stored.value, replayed.score, rel_tol=1e-9, abs_tol=1e-9)
                counts = list(Component.objects.order_by("rule").values_list("rule", "count"))
                raise _Undone((stored.value, stored.engagement, [row for row in counts if row[1]], found.stage))
        except _Undone as done:
            return done.args[0]

    def apart():
        both = {True: ONE, False: OTHER}
        flows.record_activities(activities=items(both.get), by=None, actor=None, at=AT)
        for email in both.values():
            services.create_missing([services.NewContact(email)], at=AT, actor=None)
        flows.adjust_score(actor=marketer, contact_id=contact(OTHER).pk, points=points or 1, reason="Fair", at=AT)
        flows.merge_contacts(actor=marketer, kept=contact(ONE).pk, merged=contact(OTHER).pk, at=AT)
        # Told once more, nothing is new.
        again = flows.record_activities(activities=items(both.get), by=None, actor=None, at=AT)
        assert {one.status for one in again} == {"duplicate"}

    def together():
        flows.record_activities(activities=items(lambda is_first: ONE), by=None, actor=None, at=AT)
        flows.adjust_score(actor=marketer, contact_id=contact(ONE).pk, points=points or 1, reason="Fair", at=AT)

    merged, one = outcome(apart), outcome(together)
    assert merged[:2] == pytest.approx(one[:2], rel=1e-9, abs=1e-9)
    assert merged[2] == one[2]


HALF = ("content_download", "webinar_attended", "page_view", "page_view")


def test_together_they_cross_once(marketer, nothing_differs):
    for email in (ONE, OTHER):
        record(email, *HALF, path="/pricing")
    assert not Handoff.objects.exists()
    kept = merge(marketer)
    handoff = Handoff.objects.get()
    assert (handoff.cause, handoff.state, handoff.contact) == ("threshold", "in_review", kept)
    assert not Score.objects.get().is_armed


def test_who_was_promoted_and_returned_does_not_cross_again_by_being_merged(marketer, nothing_differs):
    record(OTHER, *HALF, *HALF, path="/pricing")
    flows.return_to_marketing(actor=marketer, handoff_id=Handoff.objects.get().pk, reason="not_ready", at=AT)
    record(ONE, *HALF, path="/pricing")
    kept = merge(marketer)
    assert (kept.stage, Handoff.objects.open().count(), Score.objects.get().is_armed) == ("lead", 0, False)
    assert Score.objects.get().value > 60


def test_history_that_stood_above_the_threshold_promotes_nobody_by_being_merged(marketer, nothing_differs):
    for email, types in ((ONE, HALF * 2), (OTHER, HALF)):
        items = [
            flows.ActivityIn(
                type=kind,
                occurred_at=AT,
                external_id=f"{email}-{index}",
                contact=flows.ContactIn(email=email),
                properties={"path": "/pricing"},
            )
            for index, kind in enumerate(types)
        ]
        flows.record_activities(activities=items, by=None, actor=None, at=AT, is_history=True)
    merge(marketer)
    assert not Handoff.objects.exists()
    assert Score.objects.get().is_armed


# The ledger -----------------------------------------------------------------------------------------------------------


def test_all_that_either_did_is_with_the_kept_one(marketer, pair, nothing_differs):
    one, other = pair
    flows.edit_contact(actor=marketer, contact_id=other.pk, values={"city": "Turku"}, at=AT)
    flows.adjust_score(actor=marketer, contact_id=other.pk, points=5, reason="Met", at=AT)
    for person, verdict, at in ((one, "no", AT), (other, "confirmed", AT + HOUR)):
        Qualification.objects.create(contact=person, letter="budget", verdict=verdict, at=at)
    Qualification.objects.create(contact=other, letter="need", verdict="partly", evidence="Said so", at=AT)
    kept = merge(marketer)
    assert not Contact.objects.filter(pk=other.pk).exists()
    assert kept.activities.count() == 2
    assert kept.adjustments.count() == 1
    assert dict(kept.qualifications.values_list("letter", "verdict")) == {"budget": "confirmed", "need": "partly"}
    assert kept.changes.filter(field="city").count() == 2  # theirs then, and what the kept one took over now
    assert StageChange.objects.filter(contact=kept).exclude(merge=None).count() == 2
    row = Merge.objects.get()
    assert (row.merged_id, row.contact, row.fields["email"], row.fields["city"]) == (other.pk, kept, OTHER, "Turku")
    assert row.moved["leads.Activity"] == 1


def test_what_one_file_brought_for_both_is_one_touch_and_one_row(marketer, nothing_differs):
    text = f"email,first_name\n{ONE},Eva\n{OTHER},Eva\n"
    job = flows.start_import(
        actor=marketer, file=BytesIO(text.encode()), file_name="fair.csv", campaign="Fair", is_history=True, at=AT
    )
    flows.run_import(import_id=job.pk, at=AT)
    assert (Touch.objects.count(), ImportedContact.objects.count()) == (2, 2)
    kept = merge(marketer)
    assert Touch.objects.get().contact == kept
    assert ImportedContact.objects.get().is_created
    # The same file once more finds both addresses known.
    again = flows.start_import(
        actor=marketer, file=BytesIO(text.encode()), file_name="fair.csv", campaign="Fair", is_history=True, at=AT
    )
    again = flows.run_import(import_id=again.pk, at=AT)
    assert (again.state, again.created, again.touched) == ("done", 0, 2)
    assert (Contact.objects.count(), Touch.objects.count()) == (1, 1)


def test_the_person_chooses_the_values_and_each_change_is_history(marketer, pair):
    one, other = pair
    big, small = (Company.objects.create(name=name, created_at=AT) for name in ("Big", "Small"))
    values = {"first_name": "Eva", "job_title": "Buyer", "company": big, "phone": ""}
    flows.edit_contact(actor=marketer, contact_id=one.pk, values=values, at=AT)
    values = {"first_name": "Eeva", "job_title": "Head of buying", "company": small, "phone": "040 123"}
    flows.edit_contact(actor=marketer, contact_id=other.pk, values=values, at=AT)
    Contact.objects.filter(pk=one.pk).update(attributes={"size": "10", "plan": "a"})
    Contact.objects.filter(pk=other.pk).update(attributes={"plan": "b", "region": "south"})
    kept = merge(marketer, job_title="merged", company="kept", email="merged", **{"attributes.plan": "merged"})
    kept.refresh_from_db()
    assert (kept.first_name, kept.job_title, kept.company, kept.phone) == ("Eva", "Head of buying", big, "040 123")
    assert kept.attributes == {"size": "10", "plan": "b", "region": "south"}
    assert (kept.email, kept.addresses.get().email) == (OTHER, ONE)
    changed = kept.changes.filter(at=AT + HOUR, merge=None)
    assert {row.field: (row.old, row.new) for row in changed} == {
        "email": (ONE, OTHER),
        "job_title": ("Buyer", "Head of buying"),
        "phone": ("", "040 123"),
        "attributes.plan": ("a", "b"),
        "attributes.region": (None, "south"),
    }
    with pytest.raises(Invalid, match="Choose"):
        services.create_missing([services.NewContact("x@firm.example")], at=AT, actor=None)
        merge(marketer, kept=OTHER, merged="x@firm.example", city="mine")


# Addresses and numbers ------------------------------------------------------------------------------------------------


def test_the_second_address_and_the_old_number_lead_to_the_kept_contact(marketer, pair):
    other = pair[1]
    kept = merge(marketer)
    record(OTHER.upper(), "page_view", key="later")
    by_number = flows.ActivityIn(type="page_view", occurred_at=AT, external_id="n", contact_id=other.pk)
    assert flows.record_activities(activities=[by_number], by=None, actor=None, at=AT)[0].contact_id == kept.pk
    assert Contact.objects.count() == 1
    assert kept.activities.count() == 4
    assert flows.edit_contact(actor=marketer, contact_id=other.pk, values={"city": "Oulu"}, at=AT) == kept
    with pytest.raises(Invalid, match="with this address already"):
        flows.create_contact(actor=marketer, values={"email": OTHER}, at=AT)
    with pytest.raises(Invalid, match="with this address already"):
        record("third@firm.example", "page_view")
        flows.edit_contact(actor=marketer, contact_id=contact("third@firm.example").pk, values={"email": OTHER}, at=AT)
    # The person's own further address may become the main one; both stay known.
    flows.edit_contact(actor=marketer, contact_id=kept.pk, values={"email": OTHER}, at=AT)
    assert ContactAddress.objects.get().email == ONE
    assert services.find_by_email(Contact.objects.all(), [ONE, OTHER]) == {ONE: kept.pk, OTHER: kept.pk}


def test_merging_on_and_on_keeps_every_number_and_address(marketer, pair):
    record("third@firm.example", "page_view")
    one, other, third = *pair, contact("third@firm.example")
    merge(marketer)
    flows.merge_contacts(actor=marketer, kept=third.pk, merged=one.pk, at=AT)
    assert dict(Merge.objects.values_list("merged_id", "contact_id")) == {other.pk: third.pk, one.pk: third.pk}
    assert set(third.addresses.values_list("email", flat=True)) == {ONE, OTHER}
    with pytest.raises(Invalid, match="merged already"):
        flows.merge_contacts(actor=marketer, kept=other.pk, merged=third.pk, at=AT)
    with pytest.raises(Invalid, match="the same"):
        flows.merge_contacts(actor=marketer, kept=third.pk, merged=third.pk, at=AT)


def test_long_lists_find_further_addresses_in_as_many_queries(marketer, pair):
    merge(marketer)

    def queries_for(count):
        emails = [f"p{index}@firm.example" for index in range(count)] + [OTHER]
        with CaptureQueriesContext(connection) as found:
            assert services.find_by_email(Contact.objects.all(), emails)[OTHER]
        return len(found)

    assert queries_for(5000) == queries_for(1) == 2


# Handoffs -------------------------------------------------------------------------------------------------------------


def test_the_handoff_that_is_further_goes_on_and_the_other_closes(
    marketer, salesperson, other_salesperson, nothing_differs
):
    reviewed, offered = handed(ONE), handed(OTHER)
    flows.approve(actor=marketer, handoff_id=offered.pk, assignee_email=salesperson.email, at=AT)
    kept = merge(marketer)
    reviewed.refresh_from_db()
    offered.refresh_from_db()
    assert (reviewed.state, reviewed.reason.code, reviewed.contact) == ("closed", "merged", kept)
    assert not Timer.objects.open().filter(handoff=reviewed).exists()
    assert (offered.state, offered.contact, kept.stage) == ("offered", kept, "mql")
    assert Timer.objects.open().filter(handoff=offered).count() == 2
    assert [event.verb for event in offered.events.all()][-1] == "merge"
    with pytest.raises(Conflict, match="nothing to undo"):
        flows.undo(actor=marketer, handoff_id=offered.pk, at=AT + HOUR)
    accepted = flows.accept(actor=salesperson, handoff_id=offered.pk, at=AT + 2 * HOUR)
    assert accepted.contact.stage == "sql"


def test_of_two_offers_the_older_goes_on_and_the_other_assignee_is_told(
    marketer, salesperson, other_salesperson, nothing_differs
):
    first, second = handed(OTHER, at=AT - HOUR), handed(ONE)
    flows.approve(actor=marketer, handoff_id=first.pk, assignee_email=salesperson.email, at=AT)
    flows.approve(actor=marketer, handoff_id=second.pk, assignee_email=other_salesperson.email, at=AT)
    merge(marketer)
    assert Handoff.objects.open().get() == first
    notice = other_salesperson.notices.get(kind="merged")
    assert (notice.handoff, notice.contact) == (first, contact(ONE))
    assert not salesperson.notices.filter(kind="merged").exists()


def accepted(email, *, marketer, by, at=AT):
    handoff = handed(email, at=at)
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=by.email, at=at)
    return flows.accept(actor=by, handoff_id=handoff.pk, at=at)


def test_work_goes_on_with_its_owner_stage_and_offer(marketer, salesperson, nothing_differs):
    handoff = accepted(OTHER, marketer=marketer, by=salesperson)
    flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=Decimal(9), at=AT)
    record(ONE, "page_view")
    kept = merge(marketer)
    kept.refresh_from_db()
    assert (kept.stage, kept.owner, kept.phase) == ("opportunity", salesperson, "work")
    assert Opportunity.objects.get().contact == kept
    assert kept.stage_changes.filter(verb="merge", merge=None).get().to_stage == "opportunity"


def test_a_call_with_the_other_contact_was_the_first_contact(marketer, salesperson, nothing_differs):
    handoff = accepted(OTHER, marketer=marketer, by=salesperson)
    record(ONE, "page_view")
    flows.log_contact(actor=marketer, contact_id=contact(ONE).pk, type="call", outcome="reached", at=AT + HOUR / 2)
    merge(marketer)
    handoff.refresh_from_db()
    assert handoff.contacted_at == handoff.reached_at == AT + HOUR / 2
    assert Timer.objects.get(handoff=handoff, milestone="contact").met_at == AT + HOUR / 2


def test_a_recycled_contact_that_is_in_review_again_waits_for_no_day(marketer, salesperson, nothing_differs):
    handoff = accepted(ONE, marketer=marketer, by=salesperson)
    flows.recycle(actor=salesperson, handoff_id=handoff.pk, reason="too_early", resurface_at=AT + 90 * DAY, at=AT)
    handed(OTHER)
    assert merge(marketer).stage == "mql"
    assert not Handoff.objects.filter(resurface_at__isnull=False).exists()


def test_a_customer_stays_one_and_the_owner_is_told(marketer, salesperson, nothing_differs):
    handoff = accepted(ONE, marketer=marketer, by=salesperson)
    offer = flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=Decimal(9), at=AT)
    flows.win_opportunity(actor=salesperson, opportunity_id=offer.pk, reason="price", at=AT)
    waiting = handed(OTHER)
    kept = merge(marketer)
    waiting.refresh_from_db()
    assert (kept.stage, kept.owner, waiting.state) == ("customer", salesperson, "closed")
    assert not Timer.objects.open().exists()


def test_what_was_done_before_the_merge_is_not_taken_back_after_it(marketer):
    handoff = handed(OTHER)
    record(ONE, "page_view")
    shortly = AT + HOUR - dt.timedelta(minutes=1)
    flows.return_to_marketing(actor=marketer, handoff_id=handoff.pk, reason="not_ready", at=shortly)
    merge(marketer)
    with pytest.raises(Conflict, match="gone on from there"):
        flows.undo(actor=marketer, handoff_id=handoff.pk, at=AT + HOUR)


def two_at_work(marketer, salesperson, other_salesperson):
    for email, seller in ((ONE, salesperson), (OTHER, other_salesperson)):
        accepted(email, marketer=marketer, by=seller)


def two_offers(marketer, salesperson, other_salesperson):
    for email in (ONE, OTHER):
        handoff = accepted(email, marketer=marketer, by=salesperson)
        flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=Decimal(9), at=AT)


def a_customer_at_work(marketer, salesperson, other_salesperson):
    handoff = accepted(ONE, marketer=marketer, by=salesperson)
    offer = flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=Decimal(9), at=AT)
    flows.win_opportunity(actor=salesperson, opportunity_id=offer.pk, reason="price", at=AT)
    accepted(OTHER, marketer=marketer, by=salesperson)


def a_disqualified_one(marketer, salesperson, other_salesperson):
    record(ONE, "page_view")
    flows.disqualify(actor=marketer, contact_id=contact(ONE).pk, reason="never_buys", at=AT)
    handed(OTHER)


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (two_at_work, "is worked on by .* and .* by .*. Give both to one of them first"),
        (two_offers, "Both have an open offer. Win or lose one"),
        (a_customer_at_work, "is a customer and .* is being worked on"),
        (a_disqualified_one, "is disqualified and .* is MQL"),
    ],
)
@pytest.mark.parametrize("is_turned", [False, True])
def test_what_is_not_safe_is_refused_with_what_to_do_first(
    prepare, sentence, is_turned, marketer, salesperson, other_salesperson
):
    prepare(marketer, salesperson, other_salesperson)
    kept, merged = (OTHER, ONE) if is_turned else (ONE, OTHER)
    with pytest.raises(Conflict) as refusal:
        merge(marketer, kept=kept, merged=merged)
    assert re.search(sentence, str(refusal.value))
    assert Contact.objects.filter(email__in=[ONE, OTHER]).count() == 2
    assert not Merge.objects.exists()


def test_two_disqualified_or_one_and_a_lead_stay_disqualified(marketer, pair):
    flows.disqualify(actor=marketer, contact_id=pair[1].pk, reason="never_buys", at=AT)
    kept = merge(marketer)
    kept.refresh_from_db()
    assert (kept.is_disqualified, kept.disqualified_reason.code) == (True, "never_buys")


# Rights ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["marketer", "manager", "administrator"])
def test_marketers_managers_and_administrators_merge(who, request, pair):
    assert merge(request.getfixturevalue(who)) == pair[0]


def test_a_salesperson_merges_only_what_is_theirs(marketer, salesperson, other_salesperson):
    accepted(ONE, marketer=marketer, by=salesperson)
    handoff = handed(OTHER)
    with pytest.raises(NotFound):
        merge(salesperson)
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    with pytest.raises(Forbidden):
        merge(salesperson)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT)
    assert merge(salesperson).owner == salesperson
    assert Handoff.objects.open().count() == 1
    assert Activity.objects.filter(contact__email=ONE).count() == 2
