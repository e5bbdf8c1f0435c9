"""What the web server calls: Django behind its intake."""

import gc
import os
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from aurix.api.intake import guarded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")


def _loaded(application: WSGIApplication) -> WSGIApplication:
    """``application`` with everything imported, and the garbage collector told that none of it is garbage.

    Else every so many requests one waits 70 to 90 ms while it is all looked through again (measured).
    """
    get_resolver().url_patterns  # noqa: B018  imports all views
    gc.collect()
    gc.freeze()
    return application


application = guarded(_loaded(get_wsgi_application()), seats=settings.WEB_THREADS)
