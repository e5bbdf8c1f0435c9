"""The probes of ``plumbing_urls`` for a real web server, with open requests counted."""

import os
import threading
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")
django.setup()
settings.ROOT_URLCONF = "aurix.tests.plumbing_urls"

_lock = threading.Lock()


def _count(by: int) -> None:
    from aurix.tests.plumbing_urls import open_requests

    with _lock:
        open_requests["count"] += by


def _began(**_: Any) -> None:
    _count(1)


def _ended(**_: Any) -> None:
    _count(-1)


request_started.connect(_began)
request_finished.connect(_ended)

application = WSGIHandler()
