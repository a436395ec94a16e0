"""The contact page costs at most 25 queries in every state: each of which adds a block, and all of them at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import flows
from crm.flows import publishing
from crm.models import Role, User
from leads.models import Contact, Persona
from scoring.services import published_rules
from tests.pages.sales_work import DAY, HOUR, MINUTE, TUESDAY, ask, bring_to, look_at_prices

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

MOST = 25
ROLES = ("salesperson", "marketer", "manager", "administrator")


class Story:
    """One contact and who works on it; each method adds what the page has a block for."""

    def __init__(self, *, marketer: User, salesperson: User):
        self.marketer, self.seller = marketer, salesperson
        self.contact = ask("eva", at=TUESDAY - HOUR, message="Lorries wait", company="Harbor Oy").contact

    @property
    def handoff(self):
        return self.contact.handoffs.open().get()

    def is_offered(self):
        flows.approve(
            actor=self.marketer, handoff_id=self.handoff.pk, assignee_email=self.seller.email, at=TUESDAY - 2 * MINUTE
        )

    def is_accepted(self):
        self.is_offered()
        flows.accept(actor=self.seller, handoff_id=self.handoff.pk, rating=4, at=TUESDAY - MINUTE)

    def was_rejected(self):
        self.is_offered()
        flows.reject(actor=self.seller, handoff_id=self.handoff.pk, reason="no_budget", comment="Spring", at=TUESDAY)

    def is_recycled(self):
        back = TUESDAY + 90 * DAY
        flows.recycle(actor=self.seller, handoff_id=self.handoff.pk, reason="too_early", resurface_at=back, at=TUESDAY)

    def asks_again(self):
        self.contact = ask("boss", at=TUESDAY, company="Harbor Oy").contact

    def is_disqualified(self):
        flows.disqualify(actor=self.marketer, contact_id=self.contact.pk, reason="never_buys", at=TUESDAY)

    def led_to_another(self):
        """It was the wrong person, who named another."""
        self.is_accepted()
        self.redirect({"last_name": "Boss", "email": "boss@firm.example"})

    def was_found_through_another(self):
        self.led_to_another()
        self.contact = Contact.objects.get(email="boss@firm.example")

    def stands_in_a_chain(self):
        self.was_found_through_another()
        self.redirect({"last_name": "Owner", "email": "owner@firm.example"})

    def redirect(self, values):
        self.talked_about()
        flows.redirect(
            actor=self.seller,
            handoff_id=self.handoff.pk,
            reason="wrong_person",
            comment="Her boss signs",
            values=values,
            at=TUESDAY,
        )

    def took_another_in(self):
        """Another contact of the same person, with a handoff of its own, was merged into this one."""
        twin = ask("eva.b", at=TUESDAY - 2 * HOUR, company="Harbor Oy").contact
        look_at_prices(twin, times=3, at=TUESDAY - HOUR)
        flows.merge_contacts(actor=self.marketer, kept=self.contact.pk, merged=twin.pk, at=TUESDAY)
        self.contact.refresh_from_db()

    def stands_still(self):
        flows.pause_clocks(
            actor=self.marketer, handoff_id=self.handoff.pk, until=TUESDAY + DAY, reason="away", at=TUESDAY
        )

    def has_tasks(self):
        for days in (1, 2):
            due_at = TUESDAY + days * DAY
            flows.add_task(actor=self.seller, contact_id=self.contact.pk, what="Call", due_at=due_at, at=TUESDAY)

    def talked_about(self):
        for text in ("@Sam Seller look", "They call back"):
            flows.comment(actor=self.marketer, handoff_id=self.handoff.pk, text=text, at=TUESDAY)
        flows.comment(actor=self.seller, handoff_id=self.handoff.pk, text="@Mira Marketer thank you", at=TUESDAY)

    def was_called(self):
        for outcome in ("no_answer", "reached"):
            flows.log_contact(
                actor=self.seller, contact_id=self.contact.pk, type="call", outcome=outcome, note="Well", at=TUESDAY
            )

    def is_qualified(self):
        """All four are known, with the day of a decision and so a window in which to talk."""
        answers = {one: {"verdict": "confirmed", "evidence": "Said so"} for one in ("budget", "authority", "need")}
        answers["timeline"] = {"verdict": "partly", "decide_by_date": (TUESDAY + 200 * DAY).date()}
        flows.qualify(actor=self.seller, contact_id=self.contact.pk, answers=answers, at=TUESDAY)

    def open_offer(self, amount=900):
        return flows.open_opportunity(
            actor=self.seller, handoff_id=self.handoff.pk, name="Docks", amount=amount, at=TUESDAY
        )

    def lost_an_offer(self):
        flows.lose_opportunity(actor=self.seller, opportunity_id=self.open_offer().pk, reason="price", at=TUESDAY)

    def bought(self):
        """They bought and are satisfied."""
        offer = self.open_offer(1900)
        flows.win_opportunity(actor=self.seller, opportunity_id=offer.pk, reason="best_fit", at=TUESDAY)
        flows.rate_satisfaction(actor=self.seller, opportunity_id=offer.pk, rating=5, comment="Fast", at=TUESDAY)

    def has_colleagues(self):
        for name in ("one", "two", "three", "four", "five", "six"):
            bring_to("called", marketer=self.marketer, seller=self.seller, at=TUESDAY, name=name, company="Harbor Oy")

    def was_given_points(self):
        for points in (5, -3):
            flows.adjust_score(
                actor=self.marketer, contact_id=self.contact.pk, points=points, reason="Met them", at=TUESDAY
            )

    def is_pictured(self):
        """Personas fit, and a rule of the score asks for them; the version that says so has not come to it yet."""
        for name in ("Planner", "Buyer"):
            conditions = [{"field": "company.name", "op": "equals", "value": "Harbor Oy"}]
            Persona.objects.create(name=name, conditions=conditions, created_at=TUESDAY)
        rules = [{"name": "Planner", "field": "persona", "op": "equals", "value": "Planner", "points": 9}]
        draft = publishing.draft_from(
            actor=self.marketer, model_id=published_rules().model.pk, values={"fit_rules": rules}, at=TUESDAY
        )
        publishing.publish(actor=self.marketer, model_id=draft.pk, note="x", at=TUESDAY)


STATES = {
    "in review": [],
    "offered": ["is_offered"],
    "accepted": ["is_accepted"],
    "rejected before": ["was_rejected"],
    "recycled": ["is_accepted", "is_recycled"],
    "disqualified": ["is_disqualified"],
    "the one who referred": ["led_to_another"],
    "the one found": ["was_found_through_another"],
    "both": ["stands_in_a_chain"],
    "merged": ["took_another_in"],
    "paused": ["is_accepted", "stands_still"],
    "tasks": ["is_accepted", "has_tasks"],
    "comments": ["is_accepted", "talked_about"],
    "called": ["is_accepted", "was_called"],
    "qualified": ["is_accepted", "is_qualified"],
    "offer": ["is_accepted", "open_offer"],
    "lost": ["is_accepted", "lost_an_offer"],
    "won": ["is_accepted", "bought"],
    "colleagues": ["has_colleagues"],
    "points by hand": ["was_given_points"],
    "updating": ["is_pictured"],
}
MUCH = [
    *("was_rejected", "was_found_through_another", "stands_still", "took_another_in", "talked_about", "was_called"),
    *("is_qualified", "has_colleagues", "was_given_points", "lost_an_offer"),
]
FULLEST = {
    "in work": [*MUCH, "open_offer", "has_tasks", "is_pictured"],
    "offered again": [*MUCH, "is_recycled", "asks_again", "is_offered", "has_tasks", "is_pictured"],
}


@pytest.fixture
def story(marketer, salesperson):
    salesperson.daily_capacity = 50
    salesperson.save()
    return Story(marketer=marketer, salesperson=salesperson)


def cost(browsing, user, address) -> int:
    """How many queries the page takes, for who may see it."""
    client = browsing(user)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    # A lead that nobody has offered is not there for sales.
    assert answer.status_code == 200 or (user.roles == [Role.SALESPERSON] and answer.status_code == 404)
    return len(queries)


@pytest.mark.parametrize("steps", STATES.values(), ids=STATES)
def test_each_block_leaves_the_page_at_25_queries(
    steps, story, browsing, marketer, salesperson, manager, administrator
):
    for step in steps:
        getattr(story, step)()
    published_rules()  # read once a process
    address = f"/contacts/{story.contact.pk}/"
    counts = {user.name: cost(browsing, user, address) for user in (salesperson, marketer, manager, administrator)}
    assert max(counts.values()) <= MOST, counts


@pytest.mark.parametrize("steps", FULLEST.values(), ids=FULLEST)
def test_all_of_them_together_do_too_also_for_one_who_has_every_role(
    steps, story, browsing, salesperson, marketer, manager, administrator
):
    for step in steps:
        getattr(story, step)()
    published_rules()
    everything = User.objects.create_user("all@baton.example", "x", name="All", roles=Role.values, team=manager.team)
    people = (salesperson, marketer, manager, administrator, everything)
    address = f"/contacts/{story.contact.pk}/"
    page = browsing(salesperson).get(address).content.decode()
    for block in ("Found through", "Also at", "Offers before", "Planner"):
        assert block in page
    counts = {(user.name, query): cost(browsing, user, address + query) for user in people for query in ("", "?all=1")}
    assert max(counts.values()) <= MOST, counts
