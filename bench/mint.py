"""Access tokens: for each line ``tenant user session`` of the input, one line with a token.

A script and not a module of this package: it runs with the code that is measured, which may be another tree's.
"""

import os
import sys
from uuid import UUID

import django


def main() -> None:
    """Sign with the application's own code and secret."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aurix.settings")
    django.setup()
    from accounts import tokens
    from aurix import clock
    from aurix.actor import Actor

    now = clock.now()
    for line in sys.stdin:
        tenant, user, session = map(UUID, line.split())
        actor = Actor(tenant_id=tenant, user_id=user, session_id=session, role="user")
        sys.stdout.write(f"{tokens.issue(actor=actor, now=now)}\n")


if __name__ == "__main__":
    main()
