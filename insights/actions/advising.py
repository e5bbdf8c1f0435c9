"""Having a language model write about the newest periods of a tenant's customers, ahead of anybody who reads."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from aurix.tenancy import tenant_scope
from insights import advice, model, queries
from insights.models import Advice, Watermark
from insights.queries import Insight

logger = structlog.get_logger(__name__)

_CLAIM = """
INSERT INTO insights_advicebudget AS b (tenant_id, day, calls) VALUES (%s, %s, 1)
ON CONFLICT (tenant_id, day) DO UPDATE SET calls = b.calls + 1 WHERE b.calls < %s
RETURNING calls
"""
_RECENT = """
SELECT DISTINCT user_id FROM insights_snapshot
 WHERE tenant_id = %s AND period_start >= %s AND user_id > %s ORDER BY user_id LIMIT 500
"""
_FIRST = UUID(int=0)


def enabled() -> bool:
    """Whether a model is configured."""
    return bool(settings.LLM_PROVIDER == "openai" and settings.LLM_BASE_URL and settings.LLM_MODEL)


def advise(*, tenant_id: UUID, now: datetime) -> int:
    """Write what is missing or out of date about each customer's newest day and week; how many texts were stored.

    Stops when the tenant's budget of calls for the day (UTC) is spent, or the model cannot be reached: readers then get
    what the rules say. Running it twice at once writes the same rows twice.
    """
    stored = 0
    for user_id, found in _unwritten(tenant_id, now=now) if enabled() else ():
        if not _claim(tenant_id, day=now.date()):
            logger.info("advice_budget_spent", tenant_id=str(tenant_id))
            break
        try:
            written = model.write(found.signals)
        except model.ModelUnreachableError as problem:
            logger.warning("model_unreachable", reason=str(problem))
            break
        if written:
            _store(found, written, tenant_id=tenant_id, user_id=user_id, now=now)
            stored += 1
    return stored


def _unwritten(tenant_id: UUID, *, now: datetime) -> Iterator[tuple[UUID, Insight]]:
    """The newest day and week of each customer who moved gold lately, where no text is about their present signals."""
    after = _FIRST
    while users := _recent(tenant_id, since=now.date() - timedelta(days=8), after=after):
        for user_id in users:
            for found in queries.insights(tenant_id=tenant_id, user_id=user_id, most=2):
                if not found.written:
                    yield user_id, found
        after = users[-1]


def _recent(tenant_id: UUID, *, since: date, after: UUID) -> list[UUID]:
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_RECENT, [tenant_id, since, after])
        return [user_id for (user_id,) in cursor.fetchall()]


def _claim(tenant_id: UUID, *, day: date) -> bool:
    """Whether one more call is within the tenant's budget of that day; it is then counted, whatever comes of it."""
    if settings.LLM_CALLS_PER_DAY < 1:
        return False
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_CLAIM, [tenant_id, day, settings.LLM_CALLS_PER_DAY])
        return cursor.fetchone() is not None


def _store(found: Insight, written: list[str], *, tenant_id: UUID, user_id: UUID, now: datetime) -> None:
    """Keep a text, and let readers find it: their cached pages are of the generation before."""
    values = {
        "signals_hash": advice.fingerprint(found.signals),
        "model": settings.LLM_MODEL,
        "prompt_version": model.PROMPT_VERSION,
        "sentences": written,
        "created_at": now,
    }
    key = {"tenant_id": tenant_id, "user_id": user_id, "frequency": found.frequency}
    with tenant_scope(tenant_id):
        row = Advice(**key, period_start=found.period_start, **values)
        Advice.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["tenant_id", "user_id", "frequency", "period_start"],
            update_fields=list(values),
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {Watermark._meta.db_table} SET generation = generation + 1 WHERE tenant_id = %s",  # noqa: S608  a model's table
                [tenant_id],
            )
