"""What the concurrency tests stand on: real programs see the test's rows, and a worker takes what is queued."""

from celery import Celery

from crm import broker, heartbeat
from crm.models import Team
from leads.models import ActivityType
from tests.concurrency.conftest import Processes, wait_for


def test_another_process_sees_what_the_test_committed(installation: Processes) -> None:
    Team.objects.create(name="seen")
    code = "from crm.models import Team; print(Team.objects.get().name)"
    assert installation.run("manage.py", "shell", "-v", "0", "-c", code).split()[-1] == "seen"


def test_what_migrations_bring_stands_in_every_test(installation: Processes) -> None:
    assert ActivityType.objects.exists()


def test_a_task_queued_before_the_worker_starts_is_done(installation: Processes) -> None:
    with Celery("tests", broker=installation.redis_url) as app:
        app.send_task("crm.tasks.heartbeat")
    with broker.connect(url=installation.redis_url) as client:
        assert client.get(heartbeat.KEY) is None
        installation.start_worker()
        wait_for(lambda: client.get(heartbeat.KEY) is not None)


def test_a_killed_worker_leaves_the_queue_to_another(installation: Processes) -> None:
    installation.start_worker().kill()
    installation.start_worker()
    with Celery("tests", broker=installation.redis_url) as app:
        for _ in range(4):
            app.send_task("crm.tasks.heartbeat")
    with broker.connect(url=installation.redis_url) as client:
        wait_for(lambda: client.get(heartbeat.KEY) is not None)
