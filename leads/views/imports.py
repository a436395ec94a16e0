"""Files of contacts: giving one, watching it being taken in, and fetching the rows that were refused."""

from __future__ import annotations

from pathlib import PurePath

from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import flows, toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.models import Role
from crm.queries.imports import import_face, imports_listed
from leads import tasks
from leads.forms import ImportForm
from leads.models import Campaign, Import

PAGE_SIZE = 25
importers_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


@importers_only
@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """All imports, and the form that begins one."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            job = _begin(request, form)
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            return HttpResponseRedirect(reverse("import", args=[job.pk]), status=303)
    page = Paginator(imports_listed(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "jobs": [import_face(job) for job in page],
        "campaigns": Campaign.objects.order_by("name"),
    }
    return render(request, "leads/imports/list.html", context, status=422 if form.errors else 200)


def _begin(request: HttpRequest, form: ImportForm) -> Import:
    """Queue the import; the worker hears of it once its row stands."""
    with transaction.atomic():
        job = flows.start_import(
            actor=person(request),
            file=form.cleaned_data["file"],
            file_name=form.cleaned_data["file"].name,
            campaign=form.cleaned_data["campaign"],
            is_history=form.cleaned_data["is_history"],
            at=timezone.now(),
        )
        _queue(job)
    return job


def _queue(job: Import) -> None:
    # Without a broker the job waits for the sweep of lost jobs; the row is what counts.
    transaction.on_commit(lambda: tasks.run_import.delay(import_id=job.pk), robust=True)


@importers_only
@require_safe
def import_page(request: HttpRequest, import_id: int) -> HttpResponse:
    """One import; to htmx, which asks again and again while it runs, only how far it is."""
    job = get_object_or_404(imports_listed(), id=import_id)
    template = "leads/imports/progress.html" if request.htmx else "leads/imports/page.html"  # type: ignore[attr-defined]
    return render(request, template, {"job": import_face(job)})


@importers_only
@require_POST
def import_again(request: HttpRequest, import_id: int) -> HttpResponse:
    """Let an import that failed go on where it stopped."""
    with transaction.atomic():
        job = flows.retry_import(actor=person(request), import_id=import_id, at=timezone.now())
        _queue(job)
    toasts.tell(request=request, text=_("It goes on after row %(row)d.") % {"row": job.rows_done})
    return HttpResponseRedirect(reverse("import", args=[import_id]), status=303)


@importers_only
@require_safe
def import_refused(request: HttpRequest, import_id: int) -> HttpResponse:
    """The rows of an import that were refused, each with its reason, as a CSV file."""
    job = get_object_or_404(Import, id=import_id)
    if not job.refused_file:
        raise Http404(_("No row of this import was refused."))
    with job.refused_file.open("rb") as file:
        answer = HttpResponse(file.read(), content_type="text/csv; charset=utf-8")
    name = f"{PurePath(job.file_name).stem}-refused.csv"
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return answer
