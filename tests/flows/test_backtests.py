"""Backtests: what is found in a made-up history, and a job that may be cancelled, killed and run twice."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import OperationalError

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import backtests
from leads.models import BotVerdict, Contact, Handoff
from scoring import cases as cases_module
from scoring.models import Backtest, JobState, ScoringModel

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
SINCE, UNTIL = AT - 10 * DAY, AT + 40 * DAY
NOW = AT + 50 * DAY

pytestmark = pytest.mark.django_db


def did(email, *types, at=AT, key=""):
    items = [
        flows.ActivityIn(
            type=type_.split(" ")[0],
            occurred_at=at,
            external_id=f"{email}-{key}-{index}-{at.timestamp()}",
            contact=flows.ContactIn(email=email),
            properties={"path": type_.split(" ")[1]} if " " in type_ else {},
        )
        for index, type_ in enumerate(types)
    ]
    flows.record_activities(activities=items, by=None, actor=None, at=at)
    return Contact.objects.get(email=email)


# 24 + 28 + 20 points: above 60, below 75.
WARM = ["content_download"] * 2 + ["webinar_attended"] * 2 + ["page_view /pricing"] * 5
# 24 + 28: below 60, above 50.
TEPID = ["content_download"] * 2 + ["webinar_attended"] * 2


def draft_of_published(*, threshold):
    published = ScoringModel.objects.get(status="published")
    draft = ScoringModel.objects.create(
        name="Trial",
        version=published.version + 1,
        mql_threshold=threshold,
        hot_threshold=max(90, threshold),
        reference_at=published.reference_at,
        created_at=AT,
        changed_at=AT,
        based_on=published,
    )
    for rule in [*published.activity_rules.all(), *published.fit_rules.all()]:
        rule.pk, rule.model = None, draft
        rule.save()
    return draft


@pytest.fixture
def history(marketer, salesperson):
    """One won, one accepted, one rejected by sales, one not answered, one who never crossed, one before the period."""
    did("early@firm.example", *WARM, at=SINCE - DAY)
    won, accepted, rejected, waiting = (
        did(f"{name}@firm.example", *WARM) for name in ("won", "accepted", "rejected", "waiting")
    )
    tepid = did("tepid@firm.example", *TEPID)
    # Somebody else who asks: crosses at every threshold.
    asking = did("asking@firm.example", "demo_request")
    for contact in (won, accepted, rejected):
        handoff = Handoff.objects.get(contact=contact)
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT + HOUR)
        if contact is rejected:
            flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=AT + 2 * HOUR)
            continue
        flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT + 2 * HOUR)
        if contact is won:
            offer = flows.open_opportunity(
                actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=Decimal(900), at=AT + 3 * HOUR
            )
            flows.win_opportunity(actor=salesperson, opportunity_id=offer.pk, reason="best_fit", at=AT + DAY)
    # What happens after sales took on is no longer marketing's doing: it must not count as found.
    did("accepted@firm.example", "form_submission", "form_submission", at=AT + 3 * HOUR)
    return {
        "won": won,
        "accepted": accepted,
        "rejected": rejected,
        "waiting": waiting,
        "tepid": tepid,
        "asking": asking,
    }


def run(actor, model, **more):
    job = backtests.start_backtest(actor=actor, model_id=model.pk, since=SINCE, until=UNTIL, at=NOW)
    return backtests.run_backtest(backtest_id=job.pk, at=NOW, **more)


def side(job, key):
    return next(one for one in job.result["versions"] if one["key"] == key)


def test_the_published_version_finds_what_it_found(marketer, history):
    job = run(marketer, ScoringModel.objects.get(status="published"))
    assert (job.state, job.error, job.done, job.total) == (JobState.DONE, "", 7, 7)
    found = side(job, "model")
    assert [one["key"] for one in job.result["versions"]] == ["model"]
    assert (found["mqls"], found["accepted"], found["refused"], found["won"]) == (5, 2, 1, 1)
    assert found["by_ending"] == {"won": 1, "accepted": 1, "rejected": 1, "open": 2}
    assert list(found["by_reason"].values()) == [1]
    assert (found["recall"], found["precision"]) == (1.0, None)
    assert sum(found["by_week"]) == 5 == found["by_week"][1]
    assert (job.result["accepted"], job.result["winners"]) == (2, 1)


def test_a_lower_threshold_finds_more_and_a_higher_one_loses_winners(marketer, history):
    lower = run(marketer, draft_of_published(threshold=50))
    assert (side(lower, "model")["mqls"], side(lower, "published")["mqls"]) == (6, 5)
    assert lower.result["differ"] == {"only-model": 1, "only-published": 0, "lost-winners": 0, "gained-winners": 0}
    assert lower.result["differing"]["only-model"][0][0] == history["tepid"].pk

    ScoringModel.objects.filter(version=lower.model.version).update(mql_threshold=75)
    higher = run(marketer, lower.model)
    assert side(higher, "model")["mqls"] == 1
    assert higher.result["differ"]["lost-winners"] == 1
    assert higher.result["differing"]["lost-winners"][0][:2] == [history["won"].pk, None]


def test_the_curve_tells_the_same_as_a_backtest_at_that_threshold(marketer, history):
    draft = draft_of_published(threshold=50)
    curve = {point["threshold"]: point["model"] for point in run(marketer, draft).result["curve"]}
    for threshold in (30.0, 50.0, 60.0, 76.0):
        draft.mql_threshold = threshold
        draft.save()
        found = side(run(marketer, draft), "model")
        assert {name: found[name] for name in curve[threshold]} == curve[threshold]


def test_activities_of_machines_do_not_count(marketer, history):
    for row in history["waiting"].activities.filter(type="webinar_attended"):
        BotVerdict.objects.create(activity=row, reason="gateway", at=NOW)
    assert side(run(marketer, ScoringModel.objects.get(status="published")), "model")["mqls"] == 4


def test_a_second_run_gives_the_same_result(marketer, history):
    draft = draft_of_published(threshold=50)
    first, second = run(marketer, draft).result, run(marketer, draft).result
    assert first.pop("seconds") >= 0
    second.pop("seconds")
    assert first == second


def test_batches_do_not_change_the_result(marketer, history, monkeypatch):
    draft = draft_of_published(threshold=50)
    whole = run(marketer, draft).result
    monkeypatch.setattr(backtests, "BATCH", 2)
    seen = []
    parts = run(marketer, draft, on_progress=lambda job: seen.append(job.done)).result
    assert seen == [2, 4, 6, 7]
    assert {**parts, "seconds": 0} == {**whole, "seconds": 0}


def test_a_running_backtest_is_cancelled_before_its_next_batch(marketer, history, monkeypatch):
    monkeypatch.setattr(backtests, "BATCH", 2)
    job = run(
        marketer,
        draft_of_published(threshold=50),
        on_progress=lambda job: backtests.cancel_backtest(actor=marketer, backtest_id=job.pk, at=NOW),
    )
    assert (job.state, job.done) == (JobState.CANCELLED, 2)
    assert job.finished_at is not None
    with pytest.raises(Conflict):
        backtests.cancel_backtest(actor=marketer, backtest_id=job.pk, at=NOW)
    assert backtests.run_backtest(backtest_id=job.pk, at=NOW).state == JobState.CANCELLED


def test_a_queued_backtest_is_cancelled_at_once(marketer, salesperson):
    model = ScoringModel.objects.get()
    job = backtests.start_backtest(actor=marketer, model_id=model.pk, since=SINCE, until=UNTIL, at=NOW)
    with pytest.raises(Forbidden):
        backtests.cancel_backtest(actor=salesperson, backtest_id=job.pk, at=NOW)
    assert backtests.cancel_backtest(actor=marketer, backtest_id=job.pk, at=NOW).state == JobState.CANCELLED
    assert backtests.backtests_to_resume(at=NOW) == []


def test_a_job_whose_runner_died_is_taken_up_again_and_tells_the_same(marketer, history, monkeypatch):
    draft = draft_of_published(threshold=50)
    whole = run(marketer, draft).result
    monkeypatch.setattr(backtests, "BATCH", 3)

    class Killed(BaseException):
        """As a worker's end: nothing in the job may catch it."""

    def die(job):
        raise Killed

    with pytest.raises(Killed):
        run(marketer, draft, on_progress=die)
    job = Backtest.objects.latest("id")
    assert (job.state, job.done) == (JobState.RUNNING, 3)
    assert backtests.backtests_to_resume(at=NOW + HOUR / 60) == []
    later = NOW + HOUR
    assert backtests.backtests_to_resume(at=later) == [job.pk]
    done = backtests.run_backtest(backtest_id=job.pk, at=later)
    assert done.state == JobState.DONE
    assert {**done.result, "seconds": 0, "started_at": 0, "capacity": 0} == {
        **whole,
        "seconds": 0,
        "started_at": 0,
        "capacity": 0,
    }


def test_a_database_that_is_away_leaves_the_job_to_be_taken_up(marketer, history, monkeypatch):
    def away(*args, **more):
        raise OperationalError("the connection is closed")

    with monkeypatch.context() as patched:
        patched.setattr(backtests, "cases", away)
        with pytest.raises(OperationalError):
            run(marketer, ScoringModel.objects.get())
    job = Backtest.objects.get()
    assert job.state == JobState.RUNNING
    assert backtests.run_backtest(backtest_id=job.pk, at=NOW + HOUR).state == JobState.DONE


def test_a_runner_thought_dead_that_comes_back_stops(marketer, history, monkeypatch):
    monkeypatch.setattr(backtests, "BATCH", 2)
    inner = []

    def overtake(job):
        if not inner:
            inner.append(backtests.run_backtest(backtest_id=job.pk, at=NOW + HOUR))

    job = run(marketer, ScoringModel.objects.get(), on_progress=overtake)
    assert inner[0].state == JobState.DONE
    assert job.finished_at == inner[0].finished_at
    assert job.result == inner[0].result


def test_a_backtest_that_cannot_go_on_says_so(marketer, history, monkeypatch):
    def broken(*args, **more):
        raise ValueError("no such rule")

    monkeypatch.setattr(backtests, "cases", broken)
    job = run(marketer, ScoringModel.objects.get())
    assert (job.state, job.error) == (JobState.FAILED, "It stopped after 0 contacts: no such rule.")


def test_a_period_must_make_sense(marketer, salesperson):
    model = ScoringModel.objects.get()

    def start(actor=marketer, model_id=model.pk, since=SINCE, until=UNTIL):
        backtests.start_backtest(actor=actor, model_id=model_id, since=since, until=until, at=NOW)

    for wrong in ({"since": NOW}, {"until": SINCE}, {"since": NOW - 2000 * DAY}):
        with pytest.raises(Invalid):
            start(**wrong)
    with pytest.raises(Forbidden):
        start(actor=salesperson)
    with pytest.raises(NotFound):
        start(model_id=model.pk + 1)
    assert not Backtest.objects.exists()


def test_a_batch_of_contacts_takes_a_constant_number_of_queries(history, django_assert_num_queries):
    from scoring.services import load_rules

    versions = [cases_module.version_of(load_rules(ScoringModel.objects.get()))]
    ids = sorted(contact.pk for contact in history.values())

    def live_through(contact_ids):
        found = cases_module.cases(contact_ids, versions, thresholds=[60.0], since=SINCE, until=UNTIL)
        return [case.contact_id for case in found]

    with django_assert_num_queries(7):
        assert live_through(ids) == ids
    with django_assert_num_queries(7):
        live_through(ids[:1])


def test_fit_is_judged_by_the_facts_as_they_were(marketer):
    contact = did("late@firm.example", *TEPID, at=AT - DAY)
    flows.edit_contact(actor=marketer, contact_id=contact.pk, values={"job_title": "Plant director"}, at=AT + 5 * DAY)
    published = ScoringModel.objects.get()
    # 52 − 2 while the title is not known; with it 10 + 8 more, but by then too much has faded.
    job = run(marketer, published)
    assert side(job, "model")["mqls"] == 0
    contact = did("known@firm.example", *TEPID, at=AT - DAY)
    flows.edit_contact(actor=marketer, contact_id=contact.pk, values={"job_title": "Plant director"}, at=AT - DAY / 2)
    job = run(marketer, published)
    assert [row[0] for row in job.result["cases"]] == [contact.pk]
    assert job.result["cases"][0][1] == (AT - DAY / 2).timestamp()


def test_own_prospects_of_salespeople_are_not_found_by_marketing(salesperson):
    contact = flows.create_contact(actor=salesperson, values={"email": "own@firm.example", "last_name": "Own"}, at=AT)
    did(contact.email, *WARM, at=AT + DAY)
    salesperson.set_roles(("salesperson", "manager"))
    assert side(run(salesperson, ScoringModel.objects.get()), "model")["mqls"] == 0
