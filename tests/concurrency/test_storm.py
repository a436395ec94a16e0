"""Twenty thousand clocks run out at once while workers are killed, the broker restarts and receivers fail."""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from crm import deliveries
from crm.models import Delivery, Notice, User, Webhook
from crm.models.notices import DeliveryState
from crm.supervisor import die_with_parent
from sla.models import Timer
from tests import clock_rows
from tests.concurrency import webhook_server
from tests.concurrency.conftest import kill_group
from tests.concurrency.mail_server import MailServer, running
from tests.concurrency.webhook_server import Post, WebhookServer
from tests.servers import free_port, run_redis

pytestmark = pytest.mark.django_db(transaction=True)

CLOCKS = 20_000
PEOPLE = 400
WORKERS = 4
FAILS_EACH = 3
CALM_SECONDS = (2.0, 5.0)
"""How long between two kills, at least and at most."""
MOST_SECONDS = 1500


class Mailbox(MailServer):
    """Keeps when each message was taken, and nothing else of it. Every third is put off."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_each = FAILS_EACH
        self.taken_at: dict[str, list[float]] = collections.defaultdict(list)

    def take(self, data: bytes) -> None:
        message_id = "".join(BytesHeaderParser().parsebytes(data)["Message-ID"].split())
        self.taken_at[message_id.strip("<>")].append(time.monotonic())


class Workers:
    """Four real workers; one is killed every few seconds, and another takes its place."""

    def __init__(self, *, variables: dict[str, str], log: Path) -> None:
        self.variables = variables
        self.log = log
        self.killed_at: list[float] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._is_over = threading.Event()
        self._killer = threading.Thread(target=self._kill_now_and_then)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A process of Celery."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "crm", "--quiet", *arguments, "--loglevel", "error"],
                cwd=settings.BASE_DIR,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(9),
            )

    def _worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", "--concurrency", "1", "--without-gossip", "--without-mingle")

    def _kill_now_and_then(self) -> None:
        chance = random.Random(2026)
        while not self._is_over.wait(chance.uniform(*CALM_SECONDS)):
            place = chance.randrange(WORKERS)
            kill_group(self._processes[place])
            self.killed_at.append(time.monotonic())
            self._processes[place] = self._worker()

    @contextmanager
    def working(self) -> Iterator[None]:
        """They work, and die, until the end of the block."""
        self._processes = [self._worker() for _ in range(WORKERS)]
        self._killer.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._killer.join()
            for process in self._processes:
                kill_group(process)


@pytest.fixture
def administrator() -> User:
    return User.objects.create_user("root@baton.example", name="Root", roles=("admin",))


@pytest.mark.parametrize("digest_above", [5, 100_000], ids=["in digests", "one by one"])
def test_a_storm_loses_nothing_and_doubles_nothing(
    variables: dict[str, str], administrator: User, tmp_path: Path, digest_above: int
) -> None:
    clock_rows.make_sellers(PEOPLE)
    due_at = timezone.now() + dt.timedelta(seconds=20)
    clock_rows.open_clocks(CLOCKS, first_due_at=due_at, apart_seconds=0)
    port = free_port()
    with ExitStack() as stack:
        mail = stack.enter_context(running(Mailbox()))
        assert isinstance(mail, Mailbox)
        hook = stack.enter_context(webhook_server.running())
        hook.fails_each = FAILS_EACH
        Webhook.objects.create(name="storm", url=hook.url, kinds=["breach"], created_at=timezone.now())
        workers = Workers(
            variables=variables
            | {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "EMAIL_URL": mail.url, "WEBHOOKS_INSIDE": "on"}
            | {"DIGEST_ABOVE": str(digest_above)},
            log=tmp_path / "storm.log",
        )
        broker = ExitStack()
        broker.enter_context(run_redis(tmp_path, port=port))
        stack.callback(lambda: broker.close())
        stack.callback(kill_group, workers.start("beat", "--pidfile", ""))
        stack.enter_context(workers.working())
        wait_until_some_are_sent()
        broker.close()
        time.sleep(2)
        broker.enter_context(run_redis(tmp_path, port=port))
        weather_it(administrator)
    assert len(workers.killed_at) > 2
    check_alerts()
    check_sendings(mail, hook, killed_at=workers.killed_at)


def wait_until_some_are_sent() -> None:
    deadline = time.monotonic() + 300
    while Delivery.objects.filter(state=DeliveryState.SENT).count() < 20:
        assert time.monotonic() < deadline, "nothing is sent"
        time.sleep(0.5)


def weather_it(administrator: User) -> None:
    """Until everything is sent. Time is made to pass: what is to be tried again in minutes is due at once.

    Of so many some fail five times in a row: those an administrator sends again.
    """
    deadline = time.monotonic() + MOST_SECONDS
    while Timer.objects.filter(next_check_at__isnull=False).exists() or waiting():
        now = timezone.now()
        Delivery.objects.filter(state=DeliveryState.RETRY, next_attempt_at__gt=now).update(next_attempt_at=now)
        failed = list(Delivery.objects.filter(state=DeliveryState.FAILED).values_list("id", flat=True))
        if failed:
            deliveries.send_again(actor=administrator, delivery_ids=failed, at=now)
        assert time.monotonic() < deadline, f"{waiting()} are still to be sent"
        time.sleep(1)


def waiting() -> int:
    return Delivery.objects.exclude(state__in=[DeliveryState.SENT, DeliveryState.GROUPED]).count()


def check_alerts() -> None:
    """Each clock has told its owner, exactly once."""
    assert Notice.objects.filter(kind="breach").count() == CLOCKS
    told = Timer.objects.annotate(alerts=Count("notices")).values_list("alerts", flat=True)
    assert collections.Counter(told) == {1: CLOCKS}


def check_sendings(mail: Mailbox, hook: WebhookServer, *, killed_at: list[float]) -> None:
    """Each alert left by mail and to the webhook, alone or in a digest; twice only where a worker died in between."""
    for channel in ("email", "webhook"):
        assert Delivery.objects.filter(channel=channel, notice__isnull=False).count() == CLOCKS
    assert set(Delivery.objects.filter(state="grouped").values_list("digest__state", flat=True)) <= {"sent"}
    left = [one.message_id for one in Delivery.objects.filter(state="sent", digest=None)]
    arrived = mail.taken_at | taken_by(hook.posts)
    assert {message_id.strip("<>") for message_id in left} == set(arrived)
    twice = {key: times for key, times in arrived.items() if len(times) > 1}
    assert len(twice) <= len(killed_at)
    for key, times in twice.items():
        for first, second in itertools.pairwise(times):
            assert any(first <= died_at <= second for died_at in killed_at), (key, first, second)


def taken_by(posts: list[Post]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = collections.defaultdict(list)
    for post in posts:
        if post.status == 200:
            times[post.key].append(post.at)
    return times
