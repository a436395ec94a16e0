"""What gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

application = get_wsgi_application()
# What is loaded stays: the collector need not go through it again and again, and workers go on sharing it.
gc.freeze()
# A list of thousands of activities is tens of thousands of objects that all go at its end: look for cycles less often.
gc.set_threshold(20_000, 20, 20)
