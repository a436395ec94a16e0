"""What watches the site learns whether it lives, whether it can serve, and what is missing."""

import time

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from crm import broker, heartbeat
from crm.views import health


@pytest.fixture
def beaten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that beat just now."""
    monkeypatch.setattr(heartbeat, "last_beat_at", time.time)


def test_healthz_answers_without_a_database(client: Client) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_is_200_when_all_parts_stand(client: Client, beaten: None) -> None:
    response = client.get("/readyz")
    assert response.json() == {"status": "ok", "database": "ok", "worker": "ok", "demo": "ok"}
    assert response.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age_seconds", "state"), [(31, "last heartbeat 31 s ago"), (None, "no heartbeat")], ids=["old", "none"]
)
def test_readyz_says_that_the_worker_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch, age_seconds: float | None, state: str
) -> None:
    beat_at = None if age_seconds is None else time.time() - age_seconds
    monkeypatch.setattr(heartbeat, "last_beat_at", lambda: beat_at)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["worker"] == state


@pytest.mark.django_db
def test_readyz_says_that_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch, beaten: None) -> None:
    def refuse(connection: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health, "MigrationExecutor", refuse)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "cannot be reached"


def test_without_a_broker_there_is_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", broker.socket_url(data_dir=settings.DATA_DIR))
    assert heartbeat.last_beat_at() is None


def test_a_heartbeat_comes_back_from_the_broker(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", broker_url)
    before = time.time()
    heartbeat.beat()
    beat_at = heartbeat.last_beat_at()
    assert beat_at is not None
    assert before <= beat_at <= time.time()


def test_metrics_are_prometheus_text(client: Client, db: None) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert b"process_resident_memory_bytes" in response.content
    assert b'baton_deliveries{state="queued"} 0.0' in response.content
    assert b'baton_lag_seconds{queue="timers"} 0.0' in response.content


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_is_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
