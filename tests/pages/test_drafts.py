"""The editor of drafts, the versions, two of them compared, a publication watched, and suggested points."""

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from crm import flows
from crm.flows import previews, publishing
from crm.queries import publishing as looking_ahead
from leads.models import Contact, Handoff
from scoring import forms_rules
from scoring.models import JobState, PreviewJob, Publication, ScoringModel
from scoring.views import drafts as views
from tests.flows.test_backtests import TEPID, did

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def queue_of_jobs(monkeypatch):
    """The ids of the jobs that were handed to the worker."""
    handed = []
    monkeypatch.setattr(views, "_hurry", lambda task, **job: handed.extend(job.values()))
    return handed


@pytest.fixture
def draft(marketer):
    return publishing.draft_from(actor=marketer, model_id=1, at=timezone.now())


def words(answer):
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))


def page_of(draft):
    return reverse("scoring_draft", args=[draft.pk])


def typed(form, part, rule=None, **changes):
    """What a browser sends for a form that stands on the page, with some fields typed over."""
    sent = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in sent.items() if value not in (None, False)}
    if part in ("rule", "fit"):
        sent["rows"] = form.rows
    return sent | {"part": part, "act": "save"} | ({"rule": rule.pk} if rule else {}) | changes


def activity(rule, **changes):
    return typed(forms_rules.ActivityRuleForm(rule=rule), "rule", rule, **changes)


def fit(rule, **changes):
    return typed(forms_rules.FitRuleForm(rule=rule), "fit", rule, **changes)


def own(model, **changes):
    return typed(forms_rules.OwnForm(model=model), "own", **changes)


def test_a_draft_shows_its_rules_and_what_differs(browsing, marketer, draft):
    client = browsing(marketer)
    rule = draft.activity_rules.get(name="Visits the prices")
    assert client.post(page_of(draft), activity(rule, points="9", cap="30")).status_code == 303
    answer = client.get(page_of(draft))
    html = answer.content.decode()
    assert "1 change from 1" in words(answer)
    assert "<del>+4</del> <b>+9</b>" in html
    assert "together at most <del>20</del> <b>30</b>" in html
    assert "Saved in version 2." in words(answer)
    only = words(client.get(page_of(draft), {"only": "changes"}))
    assert "Visits the prices" in only and "Downloads content" not in only


def test_saving_untouched_forms_changes_nothing(browsing, marketer, draft):
    client = browsing(marketer)
    for rule in draft.activity_rules.all():
        assert client.post(page_of(draft), activity(rule)).status_code == 303
    for rule in draft.fit_rules.all():
        assert client.post(page_of(draft), fit(rule)).status_code == 303
    assert client.post(page_of(draft), own(draft)).status_code == 303
    assert "0 changes from 1" in words(client.get(page_of(draft)))


def test_a_rule_with_conditions_is_added_and_removed(browsing, marketer, draft):
    client = browsing(marketer)
    form = forms_rules.ActivityRuleForm(more=2)
    sent = typed(form, "rule", name="Case studies", type="page_view", points="6", once_per="path", within_days="7")
    sent |= {"field_0": "path", "op_0": "in", "value_0": "/cases, /stories", "half_life_days": "30"}
    assert client.post(page_of(draft), sent).status_code == 303
    rule = draft.activity_rules.get(name="Case studies")
    assert rule.conditions == [{"property": "path", "op": "in", "value": ["/cases", "/stories"]}]
    assert (rule.points, rule.once_per, rule.within_days, rule.half_life_days) == (6, "path", 7, 30)
    assert client.post(page_of(draft), {"part": "rule", "rule": rule.pk, "act": "remove"}).status_code == 303
    gone = draft.activity_rules.get(name="Downloads content")
    client.post(page_of(draft), {"part": "rule", "rule": gone.pk, "act": "remove"})
    assert not draft.activity_rules.filter(pk__in=[rule.pk, gone.pk]).exists()
    assert "Downloads content removed" in words(client.get(page_of(draft)))


def test_a_condition_is_added_without_judging_what_was_typed(browsing, marketer, draft):
    rule = draft.activity_rules.get(name="Visits the prices")
    answer = browsing(marketer).post(page_of(draft), activity(rule, points="", name="Prices", act="add_condition"))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="Prices"' in html and "data-errors" not in html
    assert 'name="field_1"' in html and 'value="/pricing"' in html
    assert draft.activity_rules.get(pk=rule.pk).name == "Visits the prices"


def test_a_condition_is_taken_out_without_judging_what_was_typed(browsing, marketer, draft):
    rule = draft.activity_rules.get(name="Visits the prices")
    sent = activity(rule, act="drop_condition_0", rows="2", field_1="form", op_1="is_set", name="Forms")
    answer = browsing(marketer).post(page_of(draft), sent)
    html = answer.content.decode()
    assert answer.status_code == 200 and 'value="Forms"' in html
    assert 'name="field_0" value="form"' in html and 'value="/pricing"' not in html
    sent = activity(rule, rows="1", field_0="form", op_0="is_set", value_0="")
    assert browsing(marketer).post(page_of(draft), sent).status_code == 303
    rule.refresh_from_db()
    assert rule.conditions == [{"property": "form", "op": "is_set", "value": None}]


def test_fit_rules_take_numbers_lists_and_own_attributes(browsing, marketer, draft):
    client = browsing(marketer)
    new = {"part": "fit", "act": "save", "points": "-3", "name": "Small", "rows": "1"}
    client.post(page_of(draft), new | {"field_0": "company.employees", "op_0": "between", "value_0": "1, 9.5"})
    client.post(
        page_of(draft), new | {"name": "Plan", "field_0": "attributes.", "attribute_0": "Plan", "op_0": "is_unset"}
    )
    assert draft.fit_rules.get(name="Small").value == [1, 9.5]
    plan = draft.fit_rules.get(name="Plan")
    assert (plan.field, plan.op, plan.value) == ("attributes.Plan", "is_unset", None)
    assert 'value="Plan"' in client.get(page_of(draft), {"fit": plan.pk}).content.decode()


def test_thresholds_bands_and_half_life_are_changed(browsing, marketer, draft):
    client = browsing(marketer)
    assert client.post(page_of(draft), own(draft, mql_threshold="64", fit_bands_0="35")).status_code == 303
    draft.refresh_from_db()
    assert (draft.mql_threshold, draft.fit_bands) == (64, [35, 20, 10])
    html = client.get(page_of(draft)).content.decode()
    assert "MQL from <del>60</del> <b>64</b>" in html


@pytest.mark.parametrize(
    ("part", "wrong", "field"),
    [
        ("rule", {"points": "many"}, "points"),
        ("rule", {"name": ""}, "name"),
        ("rule", {"cap": "-1"}, "cap"),
        ("rule", {"floor": "1"}, "floor"),
        ("rule", {"half_life_days": "0.5"}, "half_life_days"),
        ("rule", {"within_days": "7"}, "once_per"),
        ("rule", {"type": "telepathy"}, "type"),
        ("rule", {"value_0": ""}, "value_0"),
        ("fit", {"op_0": "between", "value_0": "7"}, "value_0"),
        ("fit", {"op_0": "is_set", "value_0": "", "field_0": "attributes."}, "attribute_0"),
        ("fit", {"field_0": "shoe_size"}, "field_0"),
        ("fit", {"field_0": ""}, "field_0"),
        ("own", {"hot_threshold": "10"}, "hot_threshold"),
        ("own", {"fit_bands_1": "99"}, "fit_bands_0"),
        ("own", {"half_life_days": "nan"}, "half_life_days"),
    ],
)
def test_wrong_input_is_refused_at_its_field_and_kept(browsing, marketer, draft, part, wrong, field):
    if part == "own":
        sent = own(draft, name="Typed all the same")
    elif part == "rule":
        sent = activity(draft.activity_rules.get(name="Visits the prices"), name="Typed all the same")
    else:
        sent = fit(draft.fit_rules.first(), name="Typed all the same")
    answer = browsing(marketer).post(page_of(draft), sent | wrong)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "data-errors" in html
    prefix = {"own": "own", "rule": f"rule-{sent.get('rule')}", "fit": f"fit-{sent.get('rule')}"}[part]
    assert f'id="{prefix}-{field}_error"' in html
    if "name" not in wrong:
        assert 'value="Typed all the same"' in html
    assert not draft.activity_rules.filter(name="Typed all the same").exists()
    assert ScoringModel.objects.get(pk=draft.pk).name == "Standard"


def test_who_saves_over_somebody_elses_change_is_told_and_keeps_what_was_typed(browsing, marketer, draft):
    client = browsing(marketer)
    rule = draft.activity_rules.first()
    seen = views.seen_as(draft)
    publishing.save_rules(actor=marketer, model_id=draft.pk, values={"mql_threshold": 61}, at=timezone.now())
    answer = client.post(page_of(draft), activity(rule, points="77", seen=seen))
    assert answer.status_code == 409
    assert "Somebody has changed this draft meanwhile" in words(answer)
    html = answer.content.decode()
    assert 'value="77"' in html
    draft.refresh_from_db()
    assert f'name="seen" value="{views.seen_as(draft)}"' in html.replace("&#x2B;", "+")
    assert client.post(page_of(draft), activity(rule, points="77", seen=views.seen_as(draft))).status_code == 303
    old = reverse("draft_publish", args=[draft.pk])
    assert client.post(old, {"note": "x", "mode": "all", "seen": seen}).status_code == 422
    with pytest.raises(publishing.Conflict):
        publishing.save_rules(
            actor=marketer, model_id=draft.pk, values={"mql_threshold": 62}, at=timezone.now(), seen=draft
        )


def test_the_address_opens_a_rule(browsing, marketer, draft):
    rule, other = draft.activity_rules.first(), draft.fit_rules.first()
    client = browsing(marketer)
    for query, key in (({"rule": rule.pk}, f"rule-{rule.pk}"), ({"fit": other.pk}, f"fit-{other.pk}")):
        html = client.get(page_of(draft), query).content.decode()
        assert html.count("<details open>") == 1
        assert re.search(rf'id="{key}"[^>]*><details open>', html)
    assert 'class="rule-new" open' in client.get(page_of(draft), {"rule": "new"}).content.decode()
    assert " open>" not in client.get(page_of(draft), {"rule": "x"}).content.decode()


def test_what_is_not_there_is_404(browsing, marketer, draft):
    client = browsing(marketer)
    assert client.get("/scoring/drafts/999/").status_code == 404
    assert client.post("/scoring/drafts/999/", {}).status_code == 404
    for sent in ({"part": "else"}, {"part": "rule", "rule": 1}, {"part": "own", "act": "remove"}):
        assert client.post(page_of(draft), sent).status_code == 404
    for name in ("draft_discard", "draft_publish"):
        assert client.post(reverse(name, args=[999])).status_code == 404
    assert client.get(reverse("draft_preview", args=[1])).status_code == 404
    assert client.get(reverse("scoring_publication", args=[9])).status_code == 404
    assert client.get(reverse("scoring_compare"), {"one": "99"}).status_code == 404
    assert client.post(reverse("draft_new"), {"version": "99"}).status_code == 404


def test_roles(browsing, marketer, salesperson, manager, administrator, draft):
    reading = [page_of(draft), reverse("draft_preview", args=[draft.pk]), "/scoring/versions/", "/scoring/compare/"]
    for user, status in ((marketer, 200), (administrator, 200), (manager, 200), (salesperson, 403)):
        client = browsing(user)
        assert [client.get(address).status_code for address in reading] == [status] * len(reading)
    for user in (manager, salesperson):
        client = browsing(user)
        writing = [page_of(draft), "/scoring/drafts/", "/scoring/suggest/"]
        writing += [reverse(name, args=[draft.pk]) for name in ("draft_discard", "draft_publish")]
        assert [client.post(address, {"part": "own"}).status_code for address in writing] == [403] * len(writing)
        assert client.get("/scoring/suggest/").status_code == 403
    html = browsing(manager).get(page_of(draft)).content.decode()
    assert "Asks for a demo" in html
    assert "Save the rule" not in html and "Publish version" not in html and "Discard" not in html


def test_verbs(browsing, marketer, draft):
    client = browsing(marketer)
    for name, args in (("draft_new", []), ("draft_discard", [draft.pk]), ("draft_publish", [draft.pk])):
        assert client.get(reverse(name, args=args)).status_code == 405
    for name, args in (("scoring_versions", []), ("scoring_compare", []), ("draft_preview", [draft.pk])):
        assert client.post(reverse(name, args=args)).status_code == 405
    assert client.put(page_of(draft)).status_code == 405
    assert client.put(reverse("suggest_points")).status_code == 405


def test_a_draft_is_made_and_discarded(browsing, marketer):
    client = browsing(marketer)
    answer = client.post(reverse("draft_new"))
    draft = ScoringModel.objects.get(version=2)
    assert (answer.status_code, answer.url) == (303, page_of(draft))
    assert "Version 2 is a draft of version 1." in words(client.get(answer.url))
    gone = client.post(reverse("draft_discard", args=[draft.pk]))
    assert gone.url == reverse("scoring_versions")
    assert "Version 2 is discarded." in words(client.get(gone.url))
    assert not ScoringModel.objects.filter(version=2).exists()


def test_where_contacts_are_many_a_worker_counts_and_the_page_asks_again(
    browsing, marketer, draft, queue_of_jobs, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(looking_ahead, "AT_ONCE", 0)
    did("tepid@firm.example", *TEPID, at=timezone.now() - dt.timedelta(hours=2))
    client = browsing(marketer)
    client.post(page_of(draft), own(draft, mql_threshold="40", cooling_threshold="30"))
    address = reverse("draft_preview", args=[draft.pk])
    with django_capture_on_commit_callbacks(execute=True):
        first = client.get(address, headers={"HX-Request": "true"})
    assert "Everybody is being counted" in words(first) and f'hx-get="{address}"' in first.content.decode()
    job = PreviewJob.objects.get()
    assert queue_of_jobs == [job.pk]
    with django_capture_on_commit_callbacks(execute=True):
        client.get(address, headers={"HX-Request": "true"})
    assert queue_of_jobs == [job.pk]
    asked_again = {"HX-Request": "true", "HX-Trigger": "draft-preview"}
    assert "HX-Trigger" not in client.get(address, headers=asked_again)
    previews.run_preview(preview_id=job.pk, at=timezone.now())
    assert client.get(address, headers=asked_again)["HX-Trigger"] == '{"baton:counted": {}}'
    assert "baton:counted from:body" in client.get(page_of(draft)).content.decode()
    counted = client.get(address, headers={"HX-Request": "true"})
    assert "HX-Trigger" not in counted
    assert "1 becomes an MQL and enters the queue, which grows from 0 to 1" in words(counted)
    assert "hx-get" not in counted.content.decode()
    numbers = reverse("draft_numbers", args=[draft.pk])
    far = draft.fit_rules.order_by("pk").last()
    line = f'id="count-fit-{far.pk}"'
    html = client.get(numbers, headers={"HX-Request": "true"}).content.decode()
    assert "not counted yet" not in html[html.index(line) :]
    client.post(page_of(draft), own(draft, mql_threshold="45", cooling_threshold="30"))
    html = client.get(numbers, headers={"HX-Request": "true"}).content.decode()
    assert "not counted yet" in html[html.index(line) :]
    stale = client.get(address)
    assert "before the last change to this draft" in words(stale)
    assert "1 becomes an MQL" in words(stale) and "Everybody is being counted" in words(stale)


def test_a_draft_is_published_with_a_note_and_watched(
    browsing, marketer, draft, queue_of_jobs, django_capture_on_commit_callbacks
):
    did("tepid@firm.example", *TEPID, at=timezone.now() - dt.timedelta(hours=2))
    client = browsing(marketer)
    client.post(page_of(draft), own(draft, mql_threshold="40", cooling_threshold="30"))
    look = client.get(reverse("draft_preview", args=[draft.pk]), headers={"HX-Request": "true"})
    assert "1 becomes an MQL and enters the queue, which grows from 0 to 1" in words(look)
    assert "<html" not in look.content.decode()
    assert "Back to the draft" in words(client.get(reverse("draft_preview", args=[draft.pk])))
    address = reverse("draft_publish", args=[draft.pk])
    refused = client.post(address, {"note": "", "mode": "paced", "per_day": ""})
    assert refused.status_code == 422
    assert 'id="publish-note_error"' in refused.content.decode()
    assert 'id="publish-per_day_error"' in refused.content.decode()
    assert client.post(address, {"note": "kept", "mode": "nobody"}).status_code == 422
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address, {"note": "Downloads say more.", "mode": "all"})
    publication = Publication.objects.get()
    assert (answer.status_code, answer.url) == (303, reverse("scoring_versions"))
    assert queue_of_jobs == [publication.pk]
    watched = reverse("scoring_publication", args=[publication.pk])
    going_on = client.get(watched, headers={"HX-Request": "true"}).content.decode()
    assert "0 of 1 contacts rescored" in going_on and 'hx-trigger="every 2s"' in going_on
    assert client.get(watched).url == reverse("scoring_versions")
    publishing.run_publication(publication_id=publication.pk, at=timezone.now())
    over = client.get(watched, headers={"HX-Request": "true"}).content.decode()
    assert "1 of 1 contacts rescored, 1 promoted" in over and "hx-trigger" not in over
    assert "Downloads say more." in words(client.get(reverse("scoring_versions")))
    assert Handoff.objects.get().contact.email == "tepid@firm.example"
    assert client.post(page_of(draft), own(draft)).status_code == 409
    assert client.post(address, {"note": "again", "mode": "all"}).status_code == 409
    assert client.post(reverse("draft_discard", args=[draft.pk])).status_code == 409
    assert client.get(page_of(draft)).url == "/scoring/?version=2"


def test_a_paced_publication_says_who_waits(browsing, marketer, draft):
    for name in ("one", "two"):
        did(f"{name}@firm.example", *TEPID, at=timezone.now() - dt.timedelta(hours=2))
    publishing.save_rules(actor=marketer, model_id=draft.pk, values={"mql_threshold": 40}, at=timezone.now())
    client = browsing(marketer)
    client.post(reverse("draft_publish", args=[draft.pk]), {"note": "Slowly", "mode": "paced", "per_day": "1"})
    publication = Publication.objects.get()
    midnight = timezone.now().replace(hour=0, minute=30)
    publishing.run_publication(publication_id=publication.pk, at=midnight)
    assert Publication.objects.get().state == JobState.RUNNING
    page = words(client.get(reverse("scoring_versions")))
    assert "2 of 2 contacts rescored, 0 promoted, 2 wait, 1 a working day." in page


def test_two_versions_stand_side_by_side(browsing, marketer, draft):
    client = browsing(marketer)
    rule = draft.fit_rules.get(name="Country we serve")
    client.post(page_of(draft), fit(rule, value_0="FI, EE"))
    client.post(
        page_of(draft), {"part": "fit", "rule": draft.fit_rules.get(name="Private mailbox").pk, "act": "remove"}
    )
    answer = client.get(reverse("scoring_compare"), {"one": "1", "other": "2", "only": "changes"})
    page = words(answer)
    assert "2 lines differ." in page
    assert "Country is one of FI, PL, BG, SI. +5" in page and "Country is one of FI, EE. +5" in page
    assert "Private mailbox" in page and "not there" in page
    assert "Asks for a demo" not in page
    assert "They say the same." in words(client.get(reverse("scoring_compare"), {"one": "1", "other": "1"}))


def test_a_removed_rule_is_put_back_at_its_place_by_undo(browsing, marketer, draft):
    client = browsing(marketer)
    rule = draft.activity_rules.all()[1]
    before = [(one.name, one.points, one.conditions, one.cap, one.once_per) for one in draft.activity_rules.all()]
    answer = client.post(page_of(draft), {"part": "rule", "rule": rule.pk, "act": "remove"})
    html = client.get(answer.url).content.decode()
    assert f"Removed “{rule.name}” from version 2." in html
    [undo] = re.findall(r'action="([^"]+put-back/\?rule=[^"]+)"', html)
    assert not draft.activity_rules.filter(name=rule.name).exists()
    assert client.post(undo.replace("&amp;", "&")).status_code == 303
    after = [(one.name, one.points, one.conditions, one.cap, one.once_per) for one in draft.activity_rules.all()]
    assert after == before
    assert "0 changes from 1" in words(client.get(page_of(draft)))


def test_a_rule_of_the_version_in_force_is_put_back_from_its_line(browsing, marketer, manager, draft):
    client = browsing(marketer)
    rule = draft.fit_rules.get(name="Private mailbox")
    client.post(page_of(draft), {"part": "fit", "rule": rule.pk, "act": "remove"})
    client.get(page_of(draft))  # the undo of the message is gone
    [seal] = re.findall(r'name="rule" value="([^"]{40,})"', client.get(page_of(draft)).content.decode())
    back = reverse("draft_put_back", args=[draft.pk])
    assert client.post(back, {"rule": seal}).status_code == 303
    again = draft.fit_rules.get(name="Private mailbox")
    assert (again.field, again.op, again.points) == (rule.field, rule.op, rule.points)
    assert client.post(back, {"rule": seal + "x"}).status_code == client.post(back).status_code == 404
    other = publishing.draft_from(actor=marketer, model_id=1, at=timezone.now())
    assert client.post(reverse("draft_put_back", args=[other.pk]), {"rule": seal}).status_code == 404
    assert client.get(back).status_code == 405
    assert browsing(manager).post(back, {"rule": seal}).status_code == 403


def test_each_rule_says_how_many_it_counts_and_how_sales_answered(browsing, marketer, salesperson, draft):
    at = timezone.now() - dt.timedelta(hours=2)
    for number in range(11):
        did(f"{number}@firm.example", *TEPID, "demo_request", at=at)
    for number, handoff in enumerate(Handoff.objects.order_by("id")):
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=at)
        if number < 8:
            flows.accept(actor=salesperson, handoff_id=handoff.pk, at=at)
        else:
            flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="no_budget", at=at)
    client = browsing(marketer)
    address = reverse("draft_numbers", args=[draft.pk])
    assert client.get(address).url == page_of(draft)
    html = client.get(address, headers={"HX-Request": "true"}).content.decode()
    rule = draft.activity_rules.get(name="Asks for a demo")
    in_force = draft.based_on.activity_rules.get(name="Asks for a demo")
    [said] = re.findall(rf'<span class="rule-count" id="count-rule-{rule.pk}".*?</span></span>', html, flags=re.S)
    assert f'href="/contacts/?rule={in_force.pk}"' in said and ">11</a> contacts" in said
    assert "73\u00a0% of 11 accepted" in said and f"by=rule&amp;key={in_force.pk}" in said
    fit = draft.fit_rules.get(name="Country we serve")
    [link] = re.findall(rf'id="count-fit-{fit.pk}"[^>]*>(.*?)contacts', html, flags=re.S)
    assert "is-zero" in link
    Contact.objects.filter(email__startswith="1").update(country="FI")
    html = client.get(address, headers={"HX-Request": "true"}).content.decode()
    [(link, count)] = re.findall(rf'id="count-fit-{fit.pk}"[^>]*><a class="count *" href="([^"]+)">(\d+)<', html)
    assert count == "2"
    listed = words(client.get(link))
    assert "1@firm.example" in listed and "10@firm.example" in listed and "2@firm.example" not in listed
    assert browsing(salesperson).get(address).status_code == 403


def test_a_version_in_force_is_retired_and_the_one_before_comes_back(browsing, marketer, manager, draft):
    client = browsing(marketer)
    retire = reverse("version_retire", args=[1])
    alone = client.post(retire)
    assert alone.status_code == 409 and "One version must stay in force" in words(alone)
    never = client.post(reverse("version_retire", args=[draft.pk]))
    assert never.status_code == 409 and "Discard it instead" in words(never)
    client.post(page_of(draft), own(draft, mql_threshold="64"))
    publishing.publish(actor=marketer, model_id=draft.pk, note="Higher", at=timezone.now())
    assert "Version 1 is retired already." in words(client.post(retire))
    answer = client.post(reverse("version_retire", args=[draft.pk]))
    assert (answer.status_code, answer.url) == (303, reverse("scoring_versions"))
    again = ScoringModel.objects.get(status="published")
    assert (again.version, again.mql_threshold, again.based_on.version) == (3, 60, 1)
    assert "Version 2 was retired; these are the rules of version 1." in words(client.get(answer.url))
    publication = Publication.objects.get(model=again)
    assert (publication.mode, publication.previous) == ("from_now", ScoringModel.objects.get(version=2))
    assert browsing(manager).post(retire).status_code == 403
    assert (
        client.get(retire).status_code == 405 and client.post(reverse("version_retire", args=[99])).status_code == 404
    )


def test_the_editor_takes_a_constant_number_of_queries(browsing, marketer, draft, django_assert_max_num_queries):
    client = browsing(marketer)
    with django_assert_max_num_queries(26):
        client.get(page_of(draft))
