"""Backtests: start one, watch it, read what it found, open the contacts behind its numbers."""

from __future__ import annotations

import logging
from functools import partial

from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError as BrokerAway

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.flows import backtests as flows
from crm.models import Role
from crm.queries import backtests as queries
from scoring.forms import BacktestForm
from scoring.models import Backtest, JobState
from scoring.tasks import run_backtest
from scoring.views.tabs import tabs

logger = logging.getLogger(__name__)
PAGE_SIZE = 50
judges_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


@judges_only
@require_http_methods(["GET", "HEAD", "POST"])
def backtest_list(request: HttpRequest) -> HttpResponse:
    """All backtests, and a form to start one."""
    asked = request.GET.get("model", "")
    form = BacktestForm(
        request.POST if request.method == "POST" else None,
        today=timezone.localdate(),
        initial={"model": asked} if asked else {},
    )
    if form.is_bound and form.is_valid():
        since, until = form.period()
        try:
            job = flows.start_backtest(
                actor=person(request),
                model_id=form.cleaned_data["model"].pk,
                since=since,
                until=until,
                at=timezone.now(),
            )
        except Invalid as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            transaction.on_commit(partial(_hurry, job.pk))
            return HttpResponseRedirect(reverse("backtest", args=[job.pk]), status=303)
    page = Paginator(queries.jobs(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "rows": queries.job_rows(list(page.object_list)), "tabs": tabs("backtests")}
    return render(request, "scoring/backtests.html", context, status=422 if form.errors else 200)


@judges_only
@require_safe
def backtest_page(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """How far a backtest is, or what it found; to htmx only that."""
    job = get_object_or_404(Backtest.objects.select_related("model", "actor"), id=backtest_id)
    now = timezone.now()
    result = queries.result_of(job, user=person(request))
    context = {
        "job": job,
        "last_at": queries.last_at(job),
        "is_unfinished": job.state in flows.UNFINISHED,
        "is_queued": job.state == JobState.QUEUED,
        "is_failed": job.state == JobState.FAILED,
        "progress": queries.progress_of(job, now=now) if job.state in flows.UNFINISHED else None,
        "result": result,
        "headline": queries.headline(result) if result else "",
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "scoring/backtest_state.html", context)
    return render(request, "scoring/backtest.html", context | {"tabs": tabs("backtests")})


@judges_only
@require_safe
def backtest_contacts(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """The contacts behind one number of a backtest."""
    job = get_object_or_404(Backtest.objects.select_related("model"), id=backtest_id)
    found = queries.case_list(job, request.GET.get("only", ""))
    if found is None:
        raise Http404(_("This backtest has no such list."))
    page = Paginator(found.kept, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "job": job,
        "found": found,
        "page": page,
        "rows": queries.rows_of(list(page.object_list), user=person(request)),
        "versions": job.result["versions"] if job.result else [],
        "tabs": tabs("backtests"),
    }
    return render(request, "scoring/backtest_contacts.html", context)


@judges_only
@require_POST
def backtest_cancel(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """Stop a backtest."""
    flows.cancel_backtest(actor=person(request), backtest_id=backtest_id, at=timezone.now())
    toasts.tell(request=request, text=_("The backtest stops before its next batch of contacts."))
    return HttpResponseRedirect(reverse("backtest", args=[backtest_id]), status=303)


@judges_only
@require_POST
def backtest_again(request: HttpRequest, backtest_id: int) -> HttpResponse:
    """Run the same version over the same period once more, with the rules as they are now."""
    job = get_object_or_404(Backtest, id=backtest_id)
    again = flows.start_backtest(
        actor=person(request), model_id=job.model_id, since=job.since, until=job.until, at=timezone.now()
    )
    transaction.on_commit(partial(_hurry, again.pk))
    return HttpResponseRedirect(reverse("backtest", args=[again.pk]), status=303)


def _hurry(backtest_id: int) -> None:
    """Have it begun at once; without a broker the sweep of lost jobs begins it."""
    try:
        run_backtest.delay(backtest_id=backtest_id)
    except BrokerAway:
        logger.warning("The broker is away; backtest %d waits for the sweep of jobs.", backtest_id)
