"""How the two database connections are made: one that runs, one that owns.

``default`` runs the application as the role ``aurix_app``, which can neither bypass row-level security nor change a
ledger row. ``owner`` migrates. Both may come from one URL: the running connection then steps down to ``aurix_app``
as it opens.
"""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

APP_ROLE = "aurix_app"
"""The role the application runs as. It sees one tenant at a time."""

PLATFORM_ROLE = "aurix_platform"
"""The role that work across tenants steps into for one transaction (see ``tenancy.platform_scope``)."""


def parse_url(variable: str, url: str) -> dict[str, Any]:
    """Django's settings for ``postgresql://user:password@host:port/name?option=value``.

    Raises: ImproperlyConfigured, naming ``variable``.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise ImproperlyConfigured(f"{variable} must look like postgresql://user:password@host:5432/name.")
    options: dict[str, Any] = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    try:
        port = parts.port
    except ValueError as problem:
        raise ImproperlyConfigured(f"{variable} has a port that is not a number.") from problem
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": str(options.pop("port", None) or port or ""),
        "OPTIONS": options,
    }


def connections(*, url: str, owner_url: str) -> dict[str, dict[str, Any]]:
    """Django's ``DATABASES``."""
    running = parse_url("DATABASE_URL", url)
    if running["USER"] != APP_ROLE:
        running["OPTIONS"]["options"] = f"{running['OPTIONS'].get('options', '')} -c role={APP_ROLE}".strip()
    running["OPTIONS"].setdefault("connect_timeout", 3)
    running["OPTIONS"]["prepare_threshold"] = 5  # psycopg prepares nothing without; statements.py asks for it each time
    running["CONN_MAX_AGE"] = None  # kept: a web process has one for each seat (aurix.api.intake), a task one
    owner = parse_url("DATABASE_OWNER_URL", owner_url or url)
    return {"default": running, "owner": owner}
