"""What watches the site from outside: is the process up, can it serve, and its numbers."""

import time
from collections.abc import Iterator, Mapping

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crm import heartbeat, setup
from crm.queries import load

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
    """The numbers of this process and of the work that waits, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_LoadCollector())
    return HttpResponse(generate_latest() + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _LoadCollector(Collector):
    """Counted when asked for, in the database, so that every process tells the same."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = load.load(at=timezone.now())
        yield _gauge("baton_deliveries", "Sendings by state.", "state", found.deliveries)
        yield _gauge("baton_open_handoffs", "Open handoffs by state.", "state", found.open_handoffs)
        yield _gauge("baton_open_timers", "Open timers by milestone.", "milestone", found.open_timers)
        yield _gauge("baton_lag_seconds", "How long the row that fell due first waits.", "queue", found.lags)


def _gauge(name: str, meaning: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


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
