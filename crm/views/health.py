"""What watches the site from outside: is the process up, can it serve, and its numbers."""

import time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from crm import heartbeat, setup

MAX_HEARTBEAT_AGE_SECONDS = 30


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when people can work here, else 503; the answer says part by part what is missing."""
    parts = {
        "database": _database_state(),
        "worker": _worker_state(),
        "demo": "being made" if setup.is_demo_pending(data_dir=settings.DATA_DIR) else "ok",
    }
    is_ready = all(state == "ok" for state in parts.values())
    return JsonResponse({"status": "ok" if is_ready else "not ready", **parts}, status=200 if is_ready else 503)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """This process's numbers, in Prometheus' text format."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _database_state() -> str:
    try:
        executor = MigrationExecutor(connection)
        unapplied = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "cannot be reached"
    return f"{len(unapplied)} migrations to apply; run `manage.py migrate`" if unapplied else "ok"


def _worker_state() -> str:
    beat_at = heartbeat.last_beat_at()
    if beat_at is None:
        return "no heartbeat"
    age_seconds = time.time() - beat_at
    return "ok" if age_seconds <= MAX_HEARTBEAT_AGE_SECONDS else f"last heartbeat {age_seconds:.0f} s ago"
