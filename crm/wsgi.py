"""What gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

application = get_wsgi_application()
# What is loaded stays: the collector need not go through it again and again, and workers go on sharing it.
gc.freeze()
