"""Django as a WSGI application. The shipped web server puts ``aurix.api.intake`` before it."""

import gc
import os
from wsgiref.types import WSGIApplication

from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connections
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")


def _loaded(application: WSGIApplication) -> WSGIApplication:
    """``application`` with everything imported, and the garbage collector told that none of it is garbage.

    Else every so many requests one waits 70 to 90 ms while it is all looked through again (measured).
    """
    # Of what Django does before and after each request this is left: our cache keeps its connections, and requests
    # use one database connection.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    request_finished.disconnect(close_caches)
    request_finished.connect(_keep_or_close)
    get_resolver().url_patterns  # noqa: B018  imports all views
    gc.collect()
    gc.freeze()
    return application


def _keep_or_close(**_: object) -> None:
    """Close the thread's connection if it broke, so that the next request gets a new one."""
    connections["default"].close_if_unusable_or_obsolete()


application = _loaded(get_wsgi_application())
