"""The Celery application: work that may happen later. Tasks are found in each app's ``tasks`` module."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")

app = Celery("aurix", task_cls="aurix.jobs:Recorded")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
