"""Django's settings. What an installation chooses comes from the environment (crm/environment.py)."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from kombu.entity import Queue

from crm import environment

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = environment.load(base_dir=BASE_DIR)

IS_EMBEDDED = ENVIRONMENT.is_embedded
DEBUG = ENVIRONMENT.is_debug
SECRET_KEY = ENVIRONMENT.secret_key
DATA_DIR = ENVIRONMENT.data_dir
SITE_URL = ENVIRONMENT.site_url
REDIS_URL = ENVIRONMENT.redis_url
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.csrf_trusted_origins

# Applications and the way of a request ------------------------------------------------------------------------------

INSTALLED_APPS = [
    "crm",
    "leads",
    "scoring",
    "sla",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "template_partials",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "crm.middleware.setting_up",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Every page asks for a login unless its view says @login_not_required.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "crm.middleware.personal",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crm.access.Refusals",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.context.navigation",
            ],
        },
    },
]

# People and sessions ------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "crm.User"
AUTHENTICATION_BACKENDS = ["crm.backends.PersonBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
MESSAGE_STORAGE = "django.contrib.messages.storage.fallback.FallbackStorage"
SESSION_COOKIE_AGE = 14 * 24 * 3600

# Data ---------------------------------------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {"default": ENVIRONMENT.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MEDIA_ROOT = DATA_DIR / "files"  # uploads and refused rows; served by views that check rights, never by address

# Language and time --------------------------------------------------------------------------------------------------

USE_I18N = True
USE_TZ = True
TIME_ZONE = ENVIRONMENT.time_zone
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("fi", _("Finnish")),
    ("pl", _("Polish")),
    ("bg", _("Bulgarian")),
    ("sl", _("Slovenian")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]

# Static files -------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# In production `collectstatic` gives every file a name with its hash, cached for ever. Embedded, WhiteNoise finds the
# files where they lie: nothing to collect, and an edited file shows at the next start.
STATIC_ROOT = None if IS_EMBEDDED else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = IS_EMBEDDED
WHITENOISE_MAX_AGE = 0 if IS_EMBEDDED else 60
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Security -----------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENVIRONMENT.is_https
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if ENVIRONMENT.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = ENVIRONMENT.is_https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked from inside, behind the proxy
if ENVIRONMENT.is_https:
    # Our own servers speak plain HTTP, so an https SITE_URL means that a proxy in front of them ends the TLS.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# E-mail -------------------------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT.default_from_email
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = ENVIRONMENT.email["EMAIL_BACKEND"]
EMAIL_FILE_PATH = ENVIRONMENT.email.get("EMAIL_FILE_PATH") or None
EMAIL_HOST = ENVIRONMENT.email.get("EMAIL_HOST", "localhost")
EMAIL_PORT = ENVIRONMENT.email.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = ENVIRONMENT.email.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = ENVIRONMENT.email.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = ENVIRONMENT.email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = ENVIRONMENT.email.get("EMAIL_USE_SSL", False)

# Notices ------------------------------------------------------------------------------------------------------------

DIGEST_ABOVE = ENVIRONMENT.digest_above  # more notices a minute to one recipient become one digest

# Webhooks -----------------------------------------------------------------------------------------------------------

# Whether a webhook may lead into the own network, where it could reach what is meant for nobody outside.
WEBHOOKS_INSIDE = ENVIRONMENT.are_webhooks_inside_allowed
WEBHOOKS_PLAIN_HTTP = IS_EMBEDDED or WEBHOOKS_INSIDE

# API ----------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["crm.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "crm.api.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["crm.api.filters.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "crm.api.problems.problem_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Baton",
    "DESCRIPTION": (
        "Lead management for marketing and sales: contacts, scores, handoffs and clocks. Instants are ISO 8601 and "
        "answered in UTC; one given without an offset is UTC. People are e-mail addresses, reasons and sources codes. "
        "Lists are paged by a cursor and filtered by field name; a filter that is not known is refused. Whatever is "
        "refused is answered with a problem document of RFC 9457. What somebody may not see does not exist for them."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "crm.api.schema.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "TaskKindEnum": "leads.models.tasks.TaskKind",
        "JobStateEnum": "scoring.models.JobState",
        "OutboundThenEnum": "leads.models.outbounds.OutboundThen",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Celery -------------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True  # what a task did stands in the database
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# Jobs of minutes have a worker of their own, so that they keep no sweep waiting; a worker told of no queue takes both.
CELERY_TASK_QUEUES = [Queue("celery"), Queue("jobs")]
CELERY_TASK_DEFAULT_QUEUE = "celery"
# Of what waits, the sweeps are taken first (9 is last): sending goes on in the gaps.
CELERY_TASK_ROUTES = {"*.tasks.run_*": {"queue": "jobs"}, "crm.tasks.send_*": {"priority": 9}}
# In memory: intervals need no file, and a sweep missed during a restart comes with the next interval.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_WORKER_SEND_TASK_EVENTS = False
# A request that queues a task must not hang when the broker is away: the sweep of that task finds its row anyway.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 35 * 60,  # seconds; above the longest task, else it would run twice at once
    "unacked_restore_throttle": 1,  # by default unacknowledged tasks are looked at every 100 s only
    "socket_keepalive": True,
    "socket_connect_timeout": 5,
}


def _every(seconds: float, task: str) -> dict[str, Any]:
    # A sweep that nobody took in time is worthless: the next one does its work. So a stopped worker is not flooded.
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 10)}}


CELERY_BEAT_SCHEDULE = {
    "sweep timers": _every(5, "crm.tasks.sweep_timers"),
    "send deliveries": _every(5, "crm.tasks.send_deliveries"),
    "send to webhooks": _every(5, "crm.tasks.send_to_webhooks"),
    "send reports": _every(60, "crm.tasks.send_reports"),
    "heartbeat": _every(5, "crm.tasks.heartbeat"),
    "route waiting handoffs": _every(30, "crm.tasks.route_waiting"),
    "resume jobs": _every(30, "crm.tasks.resume_jobs"),
    "sweep scores": _every(60, "crm.tasks.sweep_scores"),
    "resurface contacts": _every(60, "crm.tasks.resurface"),
    "take outbound contacts": _every(60, "crm.tasks.take_outbound"),
}

# Logging ------------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {
        "unavailable": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", None) != HTTPStatus.SERVICE_UNAVAILABLE,
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": ENVIRONMENT.log_level},
    "loggers": {
        "django": {"handlers": [], "level": ENVIRONMENT.log_level, "propagate": True},
        # That the site is not ready yet is an answer, not an error of ours.
        "django.request": {"filters": ["unavailable"]},
        # One line for each task of a five-second sweep drowns the rest: tasks log what they did, if anything.
        "celery": {"level": "WARNING"},
        "celery.apps.worker": {"level": "INFO"},  # "ready"
    },
}
