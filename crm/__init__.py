"""The application that binds leads, scoring and sla: flows, people, pages, API and the running of it all."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]
