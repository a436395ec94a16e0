"""gunicorn's settings, the same embedded and in production: `gunicorn --config python:crm.webserver crm.wsgi`."""

from crm import settings

_environment = settings.ENVIRONMENT

bind = f"{_environment.host}:{_environment.port}"
worker_class = "gthread"
workers = _environment.web_workers
threads = _environment.web_threads
# Loaded once, before the workers: a fault at start ends the server with its message instead of a loop of dying workers.
preload_app = True
# A request is not killed at its 30th second while it waits for its turn to write.
timeout = 60
graceful_timeout = 5
keepalive = 5
max_requests = 0 if _environment.is_embedded else 10_000
max_requests_jitter = 0 if _environment.is_embedded else 1_000
control_socket_disable = True
loglevel = "warning"
proc_name = "baton-web"
