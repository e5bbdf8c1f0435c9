"""Django as a WSGI application. The shipped web server puts ``aurix.api.intake`` before it."""

import gc
import os
from wsgiref.types import WSGIApplication

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")


def _loaded(application: WSGIApplication) -> WSGIApplication:
    """``application`` with everything imported, and the garbage collector told that none of it is garbage.

    Else every so many requests one waits 70 to 90 ms while it is all looked through again (measured).
    """
    get_resolver().url_patterns  # noqa: B018  imports all views
    gc.collect()
    gc.freeze()
    return application


application = _loaded(get_wsgi_application())
