"""The pages, as a WSGI application."""

import os

import django
from django.core.wsgi import get_wsgi_application

from tradepost.config import static_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradepost.config.settings")

django.setup()
static_files.collect()
application = get_wsgi_application()
