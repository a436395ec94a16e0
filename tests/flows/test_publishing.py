"""Versions of the rules: drafted, edited, published; everybody rescored, and who crossed promoted exactly once."""

import datetime as dt

import pytest

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import previews, publishing
from crm.queries import publishing as looking_ahead
from leads import locks
from leads.models import Contact, Handoff
from scoring import queries, rescoring, services, versions
from scoring.models import Component, HeldPromotion, Publication, Score, ScoringModel
from sla.models import Timer

AT = dt.datetime(2026, 3, 3, 10, 0, tzinfo=dt.UTC)  # a Tuesday morning
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)

pytestmark = pytest.mark.django_db


def download(name, key="d", *, at=AT):
    return flows.ActivityIn(
        type="content_download",
        occurred_at=at,
        external_id=f"{name}-{key}",
        contact=flows.ContactIn(email=f"{name}@firm.example"),
    )


def record(*activities, at=AT):
    return flows.record_activities(activities=activities, by=None, actor=None, at=at)


@pytest.fixture
def people():
    """Eight who downloaded once: 12 points under the first version."""
    record(*[download(f"p{number}") for number in range(8)])
    return list(Contact.objects.order_by("id"))


def generous(marketer, points=150):
    """A draft under which one download is enough."""
    model = publishing.draft_from(actor=marketer, model_id=1, at=AT)
    rules = [{"name": "Downloads", "type": "content_download", "conditions": [], "points": points}]
    return publishing.save_rules(actor=marketer, model_id=model.pk, values={"activity_rules": rules}, at=AT)


def published(marketer, *, at=AT, **how):
    model = generous(marketer)
    publication = publishing.publish(actor=marketer, model_id=model.pk, note="Downloads matter", at=at, **how)
    return publication


def test_publishing_promotes_everybody_who_crossed_once_with_handoff_and_clock(marketer, people):
    publication = published(marketer)
    old = ScoringModel.objects.get(version=1)
    assert (old.status, old.retired_at, publication.previous) == ("retired", AT, old)
    assert publication.model.published_by == marketer
    assert publication.model.note == "Downloads matter"
    for _again in range(2):
        done = publishing.run_publication(publication_id=publication.pk, at=AT)
        assert (done.state, done.done, done.total, done.promoted) == ("done", 8, 8, 8)
    assert Handoff.objects.filter(cause="threshold", model_version=2).count() == 8
    assert Handoff.objects.first().score == pytest.approx(148)
    assert Timer.objects.filter(milestone="review").count() == 8
    assert set(Score.objects.values_list("model__version", "is_armed")) == {(2, False)}
    assert set(Component.objects.values_list("rule__model__version", flat=True)) == {2}
    assert flows.sweep_scores(at=AT + DAY) >= 0
    assert Handoff.objects.count() == 8


def test_publishing_equals_rescoring_one_by_one(marketer, people):
    publication = published(marketer, mode="from_now")
    expected = {}
    rules = services.published_rules()
    for contact in people:
        (outcome,) = services.rescore(locks.locked_contacts([contact.pk]), at=AT, rules=rules, is_history=True)
        expected[contact.pk] = (outcome.score, outcome.grade)
    Score.objects.update(model=publication.previous)
    publishing.run_publication(publication_id=publication.pk, at=AT)
    # The job's clock goes on while it works, so it values everybody some milliseconds later.
    found = {row.contact_id: (row.value, row.grade) for row in Score.objects.all()}
    assert found == {pk: (pytest.approx(value, rel=1e-6), grade) for pk, (value, grade) in expected.items()}


def test_who_comes_in_during_a_publication_is_scored_by_the_new_version_at_once(marketer, people):
    published(marketer)
    record(download("new"))
    assert Contact.objects.get(email="new@firm.example").stage == "mql"
    record(download("p0", "second"))
    assert Contact.objects.get(email="p0@firm.example").stage == "mql"
    publication = publishing.run_publication(publication_id=Publication.objects.get().pk, at=AT)
    assert publication.promoted == 7
    assert Handoff.objects.count() == 9


def test_from_now_on_promotes_nobody_for_what_they_did_before(marketer, people):
    publication = published(marketer, mode="from_now")
    record(download("p0", "second"))  # before the job has come to them, and after it
    done = publishing.run_publication(publication_id=publication.pk, at=AT)
    record(download("p1", "second"))
    assert (done.state, done.promoted) == ("done", 0)
    assert not Handoff.objects.exists()
    record(flows.ActivityIn(type="demo_request", occurred_at=AT, contact=flows.ContactIn(email="p2@firm.example")))
    record(download("fresh"))
    # The request is no rule of this version; a contact that crosses by what it does now is promoted.
    assert [one.contact.email for one in Handoff.objects.all()] == ["fresh@firm.example"]


def test_paced_promotes_so_many_a_working_day(marketer, people):
    publication = published(marketer, mode="paced", per_day=3)
    record(download("p7", "second"))
    assert not Handoff.objects.exists()

    def run(at):
        return publishing.run_publication(publication_id=publication.pk, at=at)

    assert (run(AT).promoted, HeldPromotion.objects.count()) == (3, 5)
    assert Handoff.objects.filter(contact__email="p7@firm.example").exists()  # the highest score comes first
    assert run(AT + dt.timedelta(hours=2)).promoted == 3
    assert flows.sweep_scores(at=AT + dt.timedelta(hours=3)) >= 0
    assert Handoff.objects.count() == 3
    assert run(AT + DAY).promoted == 6
    # Two are left over the next day; one of them has fallen below meanwhile.
    last = HeldPromotion.objects.first().contact
    flows.adjust_score(actor=marketer, contact_id=last.pk, points=-140, reason="A student", at=AT + DAY)
    done = run(AT + 2 * DAY)
    assert (done.state, done.promoted) == ("done", 7)
    assert Handoff.objects.count() == 7
    assert Score.objects.get(contact=last).is_armed


def test_nobody_is_promoted_on_a_weekend(marketer, people):
    publication = published(marketer, mode="paced", per_day=100)
    sunday = dt.datetime(2026, 3, 8, 10, 0, tzinfo=dt.UTC)
    assert publishing.run_publication(publication_id=publication.pk, at=sunday).promoted == 0
    monday = sunday + DAY
    assert publication.pk in publishing.publications_to_resume(at=monday)
    assert publishing.run_publication(publication_id=publication.pk, at=monday).state == "done"
    assert Handoff.objects.count() == 8


def test_a_publication_that_is_overtaken_lets_the_next_one_judge(marketer, people):
    first = published(marketer, mode="paced", per_day=2)
    publishing.run_publication(publication_id=first.pk, at=AT)
    second = published(marketer, at=AT + DAY)
    first.refresh_from_db()
    assert first.state == "cancelled"
    assert publishing.run_publication(publication_id=second.pk, at=AT + DAY).promoted == 6
    assert (Handoff.objects.count(), HeldPromotion.objects.count()) == (8, 0)


def test_who_is_held_back_is_counted_beforehand_for_the_next_version(marketer, people):
    first = published(marketer, mode="paced", per_day=2)
    publishing.run_publication(publication_id=first.pk, at=AT)
    again = generous(marketer)
    assert looking_ahead.preview(again, at=AT + DAY).promoted_count == 6
    second = publishing.publish(actor=marketer, model_id=again.pk, note="x", mode="paced", per_day=4, at=AT + DAY)
    assert publishing.run_publication(publication_id=second.pk, at=AT + DAY).promoted == 4
    assert HeldPromotion.objects.filter(publication=second).count() == 2


@pytest.mark.parametrize("mode", ["all", "paced", "from_now"])
def test_imported_history_that_stands_above_is_promoted_by_no_publication_and_waits_to_act(marketer, people, mode):
    old = [download("old", key) for key in range(2)]
    asked = [flows.ActivityIn(
        type=kind, occurred_at=AT, external_id=f"old-{kind}", contact=flows.ContactIn(email="old@firm.example")
    ) for kind in ("demo_request", "webinar_attended", "event_attended")]  # fmt: skip
    flows.record_activities(activities=[*old, *asked], by=None, actor=None, at=AT, is_history=True)
    history = Contact.objects.get(email="old@firm.example")
    stored = Score.objects.get(contact=history)
    assert stored.value > stored.model.mql_threshold and stored.is_armed
    model = generous(marketer)
    seen = looking_ahead.preview(model, at=AT)
    assert seen.promoted_count == 8 and history.pk not in {one.contact_id for one in seen.promoted}
    publication = publishing.publish(actor=marketer, model_id=model.pk, note="x", mode=mode, per_day=100, at=AT)
    done = publishing.run_publication(publication_id=publication.pk, at=AT)
    assert done.promoted == (0 if mode == "from_now" else seen.promoted_count)
    assert not Handoff.objects.filter(contact=history).exists()
    record(download("old", "new"))
    assert Handoff.objects.filter(contact=history).exists()


def test_a_contact_that_cannot_be_rescored_costs_only_itself(marketer, people, monkeypatch):
    poison = people[3].pk
    real = rescoring.rebuild

    def rebuild(rules, ids, **more):
        if poison in ids:
            raise RuntimeError("poison")
        return real(rules, ids, **more)

    monkeypatch.setattr(rescoring, "rebuild", rebuild)
    publication = publishing.run_publication(publication_id=published(marketer).pk, at=AT)
    assert (publication.state, publication.done, publication.promoted) == ("done", 8, 7)
    assert str(poison) in publication.error


def test_a_preview_says_what_publishing_does_and_writes_nothing(marketer, people):
    model = generous(marketer)
    before = list(Score.objects.order_by("contact_id").values())
    seen = looking_ahead.preview(model, at=AT)
    assert (seen.contacts, seen.promoted_count, seen.cooled_count) == (8, 8, 0)
    assert {mover.contact_id for mover in seen.promoted} == {one.pk for one in people}
    assert (seen.promoted[0].before, seen.promoted[0].after) == (pytest.approx(10), pytest.approx(148))
    assert seen.queue_after(mode="all")[0] == 8
    assert seen.queue_after(mode="paced", per_day=1)[:3] == [5, 8, 8]
    assert seen.queue_after(mode="from_now")[0] == 0
    assert list(Score.objects.order_by("contact_id").values()) == before
    publishing.publish(actor=marketer, model_id=model.pk, at=AT, mode="from_now")
    publishing.run_publication(publication_id=Publication.objects.get().pk, at=AT)
    stingy = generous(marketer, points=1)
    seen = looking_ahead.preview(stingy, at=AT)
    assert (seen.promoted_count, seen.cooled_count) == (0, 8)


def test_lists_show_the_version_before_until_a_contact_is_brought_over(marketer, people):
    publication = published(marketer, mode="from_now")
    live = queries.live_scores(people, at=AT)[people[0].pk]
    assert (live.value, live.is_updating) == (pytest.approx(10), True)
    publishing.run_publication(publication_id=publication.pk, at=AT)
    live = queries.live_scores(people, at=AT)[people[0].pk]
    assert (live.value, live.is_updating) == (pytest.approx(148, rel=1e-5), False)


# Drafts


def test_a_draft_is_a_copy_that_can_be_changed_until_it_is_published(marketer):
    first = ScoringModel.objects.get()
    model = publishing.draft_from(actor=marketer, model_id=first.pk, at=AT)
    assert (model.version, model.status, model.based_on) == (2, "draft", first)
    assert all(pair.is_same for pair in versions.compare(first, model))
    kept = model.activity_rules.first()
    rules = [
        {"id": kept.pk, "name": "Demo", "type": "demo_request", "points": 50, "is_request": True},
        {
            "name": "Mails",
            "type": "email_open",
            "points": 1,
            "once_per": "mail",
            "within_days": 7,
            "conditions": [{"property": "campaign", "op": "in", "value": ["Spring", "Autumn"]}],
        },
    ]
    fit = [{"name": "Origin", "field": "attributes.Lead Origin", "op": "equals", "value": "API", "points": -3}]
    values = {"name": "Sharper", "mql_threshold": 40, "activity_rules": rules, "fit_rules": fit}
    publishing.save_rules(actor=marketer, model_id=model.pk, values=values, at=AT)
    model.refresh_from_db()
    assert (model.name, model.mql_threshold, model.activity_rules.count()) == ("Sharper", 40, 2)
    assert model.activity_rules.first() == kept
    pairs = {pair.name: pair for pair in versions.compare(first, model)}
    assert pairs["Thresholds and bands"].changed == ("mql_threshold", "cooling_threshold")
    assert pairs["Mails"].one is None
    assert pairs["Reads the blog"].other is None
    publishing.publish(actor=marketer, model_id=model.pk, at=AT)
    with pytest.raises(Conflict):
        publishing.save_rules(actor=marketer, model_id=model.pk, values={"name": "x"}, at=AT)
    with pytest.raises(Conflict):
        publishing.publish(actor=marketer, model_id=model.pk, at=AT)
    with pytest.raises(Conflict):
        publishing.discard_draft(actor=marketer, model_id=first.pk)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"half_life_days": 0.5}, "half_life_days"),
        ({"half_life_days": float("nan")}, "half_life_days"),
        ({"mql_threshold": True}, "mql_threshold"),
        ({"hot_threshold": 10}, "hot_threshold"),
        ({"cooling_threshold": 61}, "cooling_threshold"),
        ({"fit_bands": [1, 2, 3]}, "fit_bands"),
        ({"engagement_bands": [3, 2]}, "engagement_bands"),
        ({"activity_rules": {}}, "activity_rules"),
        ({"activity_rules": [{"name": "x", "type": "page_view"}]}, "activity_rules"),
        ({"activity_rules": [{"name": "", "type": "page_view", "points": 1}]}, "activity_rules"),
        ({"activity_rules": [{"name": "x", "type": "knock", "points": 1}]}, "activity_rules"),
        ({"activity_rules": [{"name": "x", "type": "page_view", "points": 1, "cap": -1}]}, "activity_rules"),
        ({"activity_rules": [{"name": "x", "type": "page_view", "points": 1, "floor": 1}]}, "activity_rules"),
        (
            {"activity_rules": [{"name": "x", "type": "page_view", "points": 1, "half_life_days": 0.1}]},
            "activity_rules",
        ),
        ({"activity_rules": [{"name": "x", "type": "page_view", "points": 1, "within_days": 7}]}, "activity_rules"),
        ({"activity_rules": [{"name": "x", "type": "page_view", "points": 1, "id": 1}]}, "activity_rules"),
        ({"activity_rules": [{"name": "x", "type": "page_view", "points": 1, "conditions": [{}]}]}, "activity_rules"),
        ({"fit_rules": [{"name": "x", "field": "shoe", "op": "is_set", "points": 1}]}, "fit_rules"),
        ({"fit_rules": [{"name": "x", "field": "city", "op": "like", "value": "x", "points": 1}]}, "fit_rules"),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused_with_the_field(marketer, values, field):
    model = publishing.draft_from(actor=marketer, model_id=None, at=AT)
    with pytest.raises(Invalid) as refusal:
        publishing.save_rules(actor=marketer, model_id=model.pk, values=values, at=AT)
    assert refusal.value.field == field


def test_rules_are_written_by_marketers_and_administrators(marketer, administrator, manager, salesperson):
    for actor in (manager, salesperson):
        with pytest.raises(Forbidden):
            publishing.draft_from(actor=actor, model_id=1, at=AT)
        with pytest.raises(Forbidden):
            publishing.publish(actor=actor, model_id=1, at=AT)
    model = publishing.draft_from(actor=administrator, model_id=1, at=AT)
    with pytest.raises(Invalid):
        publishing.publish(actor=marketer, model_id=model.pk, mode="paced", at=AT)
    with pytest.raises(NotFound):
        publishing.save_rules(actor=marketer, model_id=0, values={}, at=AT)
    publishing.discard_draft(actor=marketer, model_id=model.pk)
    assert ScoringModel.objects.count() == 1


def test_a_preview_is_counted_once_for_each_state_of_its_draft(marketer):
    model = publishing.draft_from(actor=marketer, model_id=1, at=AT)
    job, is_new = previews.ask(model, at=AT)
    assert is_new and previews.ask(model, at=AT) == (job, False)
    assert previews.run_preview(preview_id=job.pk, at=AT).state == "done"
    assert previews.ask(model, at=AT + HOUR / 2)[1] is False
    assert previews.previews_to_resume(at=AT + HOUR / 2) == []
    job, is_new = previews.ask(model, at=AT + 2 * HOUR)
    assert (is_new, job.state, job.result["model_id"]) == (True, "queued", model.pk)
    assert previews.previews_to_resume(at=AT + 2 * HOUR) == [job.pk]
    changed = publishing.save_rules(actor=marketer, model_id=model.pk, values={"mql_threshold": 41}, at=AT + 2 * HOUR)
    job, is_new = previews.ask(changed, at=AT + 2 * HOUR)
    assert is_new and job.result_revision_at != changed.changed_at
    job = previews.run_preview(preview_id=job.pk, at=AT + 2 * HOUR)
    assert (job.state, job.result_revision_at) == ("done", changed.changed_at)
    found = looking_ahead.preview(changed, at=AT + 2 * HOUR)
    assert looking_ahead.read(job.result) == found
