"""How webhooks are doing, for operators and monitors."""

from dataclasses import dataclass

from django.db import connection

from aurix.tenancy import platform_scope

MOST = 10_000
"""Counting stops here."""


@dataclass(frozen=True, slots=True)
class Status:
    """Of all endpoints together. ``waiting`` counts what has not arrived, ``dead`` and ``failing`` ones included."""

    endpoints: int
    disabled: int
    waiting: int
    failing: int
    dead: int
    lag_seconds: float


def status() -> Status:
    """Look; at most ``MOST`` deliveries are counted."""
    with platform_scope("webhook status"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(disabled_at) FROM aurix_webhook_endpoint")
        endpoints, disabled = cursor.fetchone()
        cursor.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE attempts > 0 AND NOT dead), count(*) FILTER (WHERE dead),
                   coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
              FROM (SELECT d.attempts, d.dead, d.created_at
                      FROM aurix_webhook_endpoint e JOIN aurix_webhook_delivery d
                        ON d.tenant_id = e.tenant_id AND d.endpoint_id = e.id
                     WHERE d.delivered_at IS NULL LIMIT %s) AS waiting
            """,
            [MOST],
        )
        waiting, failing, dead, lag = cursor.fetchone()
    return Status(endpoints, disabled, waiting, failing, dead, max(0.0, lag))
