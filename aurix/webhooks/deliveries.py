"""The queue of each endpoint: what is on its way, in the order of its subjects, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from aurix import audit, clock, outbox
from aurix.relay.envelope import Event
from aurix.tenancy import platform_scope
from aurix.webhooks.post import Answer

logger = structlog.get_logger(__name__)

_MAX_ERROR = 500
_PRUNED = 10_000
_PAUSE = "make_interval(secs => least(3600, power(2, least({}, 12))) * (0.5 + random() / 2))"
"""About 2 seconds after the first attempt, then twice as long each time, up to an hour."""
_WANTED = (
    "(e.types = '[]' OR e.types ? (g.event ->> 'type') "
    "OR e.types ? (substring(g.event ->> 'type' from '^.*[.]') || '*')) "
    "AND (g.event ->> 'time')::timestamptz >= e.created_at"
)
# Behind one that is failing, later ones of its subject wait; each is looked up in a small index.
_BLOCKED = """EXISTS (
    SELECT FROM aurix_webhook_delivery b
     WHERE b.tenant_id = d.tenant_id AND b.endpoint_id = d.endpoint_id AND b.subject_id = d.subject_id
       AND b.delivered_at IS NULL AND b.attempts > 0 AND b.sequence < d.sequence)"""
_FRESH = "d.delivered_at IS NULL AND d.attempts = 0"
_DUE_AGAIN = "d.delivered_at IS NULL AND d.attempts > 0 AND NOT d.dead AND d.retry_at <= now()"


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that may be posted now."""

    id: UUID
    event_id: UUID
    subject_id: UUID
    envelope: str


@dataclass(frozen=True, slots=True)
class Ready:
    """An endpoint for which something is due. ``secrets`` are sealed; ``failures`` as in ``WebhookEndpoint``."""

    id: UUID
    tenant_id: UUID
    url: str
    secrets: tuple[str, ...]
    failures: int


def spread(envelopes: Sequence[bytes]) -> int:
    """Write events down for every endpoint that wants them and is older; a repeat changes nothing. Returns how many."""
    with platform_scope("webhooks: spread events"), connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO aurix_webhook_delivery
                (id, tenant_id, endpoint_id, event_id, subject_id, sequence, type, envelope, attempts, dead, retry_at,
                 error, created_at)
            SELECT gen_random_uuid(), e.tenant_id, e.id, (g.event ->> 'id')::uuid, (g.event ->> 'subject')::uuid,
                   (g.event ->> 'sequence')::bigint, g.event ->> 'type', g.envelope, 0, false, now(), '', now()
              FROM (SELECT envelope, envelope::jsonb AS event FROM unnest(%s::text[]) AS envelope) AS g
              JOIN aurix_webhook_endpoint e ON e.tenant_id = (g.event ->> 'tenantid')::uuid AND {_WANTED}
            ON CONFLICT (tenant_id, endpoint_id, event_id) DO NOTHING
            """,  # noqa: S608  composed of constants
            [[envelope.decode() for envelope in envelopes]],
        )
        return int(cursor.rowcount)


def again(*, endpoint_id: UUID, events: Sequence[Event]) -> int:
    """Queue events for one endpoint, whether or not it had them, in the caller's platform transaction."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO aurix_webhook_delivery AS d
                (id, tenant_id, endpoint_id, event_id, subject_id, sequence, type, envelope, attempts, dead, retry_at,
                 error, created_at)
            VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s, 0, false, now(), '', now())
            ON CONFLICT (tenant_id, endpoint_id, event_id) DO UPDATE
               SET delivered_at = NULL, envelope = excluded.envelope, attempts = 0, dead = false, failing_since = NULL,
                   retry_at = now(), created_at = now()
             WHERE d.delivered_at IS NOT NULL OR d.dead
            """,
            [(e.tenant_id, endpoint_id, e.id, e.subject_id, e.sequence, e.type, e.data.decode()) for e in events],
        )
        return int(cursor.rowcount)


def ready() -> list[Ready]:
    """Endpoints that are enabled, have no pause, and for which something is due."""
    with platform_scope("webhooks: who is due"), connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT e.id, e.tenant_id, e.url, e.secret,
                   CASE WHEN e.previous_until > now() THEN e.previous_secret ELSE '' END, e.failures
              FROM aurix_webhook_endpoint e
             WHERE e.disabled_at IS NULL AND e.retry_at <= now() AND (
                   EXISTS (SELECT FROM aurix_webhook_delivery d
                            WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.id AND {_FRESH})
                OR EXISTS (SELECT FROM aurix_webhook_delivery d
                            WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.id AND {_DUE_AGAIN}))
            """  # noqa: S608  composed of constants
        )
        return [
            Ready(identity, tenant, url, tuple(filter(None, (secret, previous))), failures)
            for identity, tenant, url, secret, previous, failures in cursor.fetchall()
        ]


def due(endpoint: Ready, *, size: int) -> list[Letter]:
    """What may leave now, each subject's in order: at most ``size`` new ones, and then as many that failed before."""
    part = f"""
        (SELECT d.id, d.event_id, d.subject_id, d.envelope FROM aurix_webhook_delivery d
          WHERE d.tenant_id = %(tenant)s AND d.endpoint_id = %(endpoint)s AND {{}} AND NOT {_BLOCKED}
          ORDER BY {{}} LIMIT %(size)s)
        """  # noqa: S608  composed of constants
    with platform_scope("webhooks: what is due"), connection.cursor() as cursor:
        cursor.execute(
            part.format(_FRESH, "d.sequence") + " UNION ALL " + part.format(_DUE_AGAIN, "d.retry_at"),
            {"tenant": endpoint.tenant_id, "endpoint": endpoint.id, "size": size},
        )
        return [Letter(*row) for row in cursor.fetchall()]


def settle(endpoint: Ready, outcomes: Sequence[tuple[Letter, Answer]]) -> None:
    """Write down what became of a round, and disable an endpoint that fails for good, all in one transaction.

    An event is given up after ``WEBHOOK_ATTEMPTS`` only when others have arrived since it began to fail: else it is the
    endpoint that fails.
    """
    arrived = [(letter, answer) for letter, answer in outcomes if answer.taken]
    failed = [(letter, answer) for letter, answer in outcomes if not answer.taken]
    with platform_scope("webhooks: settle a round"), connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE aurix_webhook_endpoint e
               SET failures = CASE WHEN %(taken)s THEN 0 ELSE failures + 1 END,
                   succeeded_at = CASE WHEN %(taken)s THEN now() ELSE succeeded_at END,
                   retry_at = CASE WHEN %(taken)s THEN now() ELSE now() + {_PAUSE.format("failures + 1")} END
             WHERE tenant_id = %(tenant)s AND id = %(endpoint)s
            RETURNING failures, succeeded_at, disabled_at IS NOT NULL
            """,  # noqa: S608  composed of constants
            {"taken": bool(arrived), "tenant": endpoint.tenant_id, "endpoint": endpoint.id},
        )
        row = cursor.fetchone()
        if row is None:  # removed meanwhile
            return
        failures, succeeded_at, disabled = row
        cursor.executemany(
            "UPDATE aurix_webhook_delivery SET delivered_at = now(), attempts = attempts + 1, status = %s, error = '', "
            "envelope = '' WHERE tenant_id = %s AND id = %s AND delivered_at IS NULL",
            [(answer.status, endpoint.tenant_id, letter.id) for letter, answer in arrived],
        )
        cursor.executemany(
            f"""
            UPDATE aurix_webhook_delivery
               SET attempts = attempts + 1, failing_since = coalesce(failing_since, now()), status = %s, error = %s,
                   dead = attempts + 1 >= %s AND coalesce(%s::timestamptz > failing_since, false),
                   retry_at = now() + {_PAUSE.format("attempts + 1")}
             WHERE tenant_id = %s AND id = %s AND delivered_at IS NULL
            """,  # noqa: S608  composed of constants
            [
                (answer.status, answer.problem[:_MAX_ERROR], settings.WEBHOOK_ATTEMPTS, succeeded_at,
                 endpoint.tenant_id, letter.id)
                for letter, answer in failed
            ],
        )  # fmt: skip
        gone = any(answer.gone for _, answer in failed)
        if not disabled and failed and (gone or failures >= settings.WEBHOOK_FAILURES):
            _disable(endpoint, failures=failures, problem=failed[-1][1].problem, now=clock.now())
    for letter, answer in failed:
        logger.warning("webhook_failed", endpoint_id=str(endpoint.id), tenant_id=str(endpoint.tenant_id),
                       event_id=str(letter.event_id), problem=answer.problem, failures=failures)  # fmt: skip


def _disable(endpoint: Ready, *, failures: int, problem: str, now: datetime) -> None:
    """In the caller's transaction, which has the endpoint's lock; with an alert for whoever listens elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE aurix_webhook_endpoint SET disabled_at = %s, disabled_reason = %s WHERE tenant_id = %s AND id = %s",
            [now, problem[:200], endpoint.tenant_id, endpoint.id],
        )
    after = {"failures": failures, "reason": problem[:200]}
    outbox.emit(
        tenant_id=endpoint.tenant_id,
        subject_id=endpoint.id,
        event="webhook.disabled",
        payload={"endpoint_id": str(endpoint.id), **after},
        now=now,
    )
    audit.record(
        action="webhook.disabled",
        subject_id=endpoint.id,
        tenant_id=endpoint.tenant_id,
        by=None,
        now=now,
        after=after,
    )
    logger.error("webhook_disabled", endpoint_id=str(endpoint.id), tenant_id=str(endpoint.tenant_id), **after)


def prune(*, before: datetime) -> int:
    """Remove at most some thousands of what arrived, or waits for a disabled endpoint, and was written ``before``."""
    with platform_scope("webhooks: prune"), connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM aurix_webhook_delivery d USING (
                SELECT o.tenant_id, o.id FROM aurix_webhook_endpoint e CROSS JOIN LATERAL (
                    SELECT d.tenant_id, d.id FROM aurix_webhook_delivery d
                     WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.id AND d.created_at < %s
                       AND (d.delivered_at IS NOT NULL OR e.disabled_at < %s)
                     ORDER BY d.created_at LIMIT %s) AS o) AS old
             WHERE d.tenant_id = old.tenant_id AND d.id = old.id
            """,
            [before, before, _PRUNED],
        )
        return int(cursor.rowcount)
