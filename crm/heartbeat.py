"""The worker's sign of life: a time in the broker, written by a task that beat queues, read by /readyz.

It is written only when beat, broker and worker all do their part, which is what the site needs to know.
"""

import time

import redis
from django.conf import settings

from crm import broker

KEY = "baton:heartbeat"


def beat() -> None:
    """Write now as the last heartbeat. Raises redis.RedisError when the broker is away."""
    with broker.connect(url=settings.REDIS_URL) as client:
        client.set(KEY, repr(time.time()))


def last_beat_at() -> float | None:
    """When the worker last beat, in seconds of the epoch; None when it never did or the broker is away."""
    try:
        with broker.connect(url=settings.REDIS_URL) as client:
            value = client.get(KEY)
    except redis.RedisError:
        return None
    return None if value is None else float(value)
