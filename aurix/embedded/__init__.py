"""The servers and processes behind ``manage.py up``: PostgreSQL and Valkey out of wheels, web server, Celery.

Verbs: ``EmbeddedPostgres.start/stop``, ``EmbeddedValkey.start/stop``, ``supervisor.serve``. The servers need no
Django, so that tests can start them before any settings exist. It never touches a folder or a process that it did
not make itself.
"""
