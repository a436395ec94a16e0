"""Several programs that send lists of activities at once, each a process with the whole application, for a benchmark.

The parent tells each child by a line what to do and measures from "go" until the last has answered. What they send
is made before. Run as `python -m tests.bench.callers FIRST LAST`: contacts by the place of their ids, counted from 0.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent
CALLERS = 4
CALLS = 3


def together(*, secret: str, known: int, is_shared: bool) -> dict[str, float]:
    """Activities a second of `CALLERS` callers at once: by the list API (`list`) and by plain SQL (`plain`).

    Each has `known` contacts of its own, or they share as many. They take turns as they do in the measurement of one.
    """
    with ExitStack() as stack:
        children = []
        for place in range(CALLERS):
            first = 0 if is_shared else place * known
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.callers", str(first), str(first + known)],
                cwd=FOLDER, env=os.environ | {"BENCH_SECRET": secret}, text=True, bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            stack.enter_context(child)
            children.append(child)
        _ask(children, "list warm")
        _ask(children, "go")
        seconds = dict.fromkeys(("list", "plain"), 0.0)
        for turn in range(CALLS):
            for way in seconds:
                _ask(children, f"{way} {is_shared}{turn}")
                began = time.perf_counter()
                _ask(children, "go")
                seconds[way] += time.perf_counter() - began
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
    from tests.bench.bench_intake import CALL

    return {way: CALLERS * CALLS * CALL / took for way, took in seconds.items()}


def _ask(children: list[subprocess.Popen[str]], what: str) -> None:
    """Tell all, then wait until all have done it."""
    for child in children:
        assert child.stdin is not None
        child.stdin.write(f"{what}\n")
    for child in children:
        assert child.stdout is not None
        answer = child.stdout.readline()
        assert answer == "done\n", answer


def main(first: int, last: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    import crm.wsgi  # noqa: F401 - what a server loads
    from leads.models import Contact
    from tests.bench import bench_intake, beside

    settings.ALLOWED_HOSTS = ["*"]
    settings.SECURE_SSL_REDIRECT = False
    connection.settings_dict["NAME"] = beside.DATABASE
    client = Client(headers={"Authorization": f"Bearer {os.environ['BENCH_SECRET']}"})
    emails = list(Contact.objects.order_by("id").values_list("email", flat=True)[first:last])
    chance = random.Random(os.getpid())
    rows: list[dict] = []
    way, body = "", ""
    for line in sys.stdin:
        if line != "go\n":
            way = line.split()[0]
            rows = bench_intake.made(bench_intake.CALL, emails, chance, run=f"{line.strip()}-{os.getpid()}")
            body = json.dumps(rows)
        elif way == "list":
            answer = client.post("/api/v1/activities/", body, content_type="application/json")
            assert answer.status_code == 200, answer.content[:500]
        else:
            bench_intake.plain_intake(rows, is_locking=True)
        print("done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
