"""Prepare the database and, with ``--demo``, the demo data: ``python -m aurix.embedded.prepare``.

The same as ``manage.py prepare_database`` and ``manage.py seed_demo``, in one process because Django takes a second to
load, and each start of ``make run`` waits for it.
"""

import sys

import django
from django.core.management import CommandError, call_command


def main(arguments: list[str]) -> None:
    """Raises: SystemExit with the reason when a command fails."""
    django.setup()
    try:
        call_command("prepare_database", verbosity=0)
        if "--demo" in arguments:
            call_command("seed_demo", verbosity=0)
    except CommandError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main(sys.argv[1:])
