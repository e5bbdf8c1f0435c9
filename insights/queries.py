"""Reads of snapshots and runs."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
from django.db import connection

from aurix import standing, tenancy
from aurix.actor import Actor
from aurix.errors import NotFound
from insights import advice, signals
from insights.models import EtlPart, EtlRun, State
from insights.signals import Signals, Sums

FREQUENCIES = ("daily", "weekly")
Place = tuple[date, str]
"""Where a page begins: a period's start and frequency. Of the periods with one start the week comes before the day."""

NEWEST: Place = (date.max, "z")

_GATE = "SELECT standing, generation FROM insights_gate(%s, %s, %s)"

# Every period from the customer's first on, with its own snapshot, or else the last one before it: then nothing was
# done in it, and the gold is what it was. Who neither traded nor held any in a period has nothing to read about it.
_PAGE = """
SELECT p.frequency, p.period_start, p.period_end, greatest(p.generated_at, CASE WHEN own THEN s.generated_at END),
       p.as_of,
       CASE WHEN own THEN s.buy_count ELSE 0 END, CASE WHEN own THEN s.sell_count ELSE 0 END,
       CASE WHEN own THEN s.bought ELSE 0 END, CASE WHEN own THEN s.sold ELSE 0 END,
       CASE WHEN own THEN s.bought_value ELSE 0 END, CASE WHEN own THEN s.sold_value ELSE 0 END,
       CASE WHEN own THEN s.gross ELSE 0 END, CASE WHEN own THEN s.fees ELSE 0 END,
       s.holding, coalesce(trade.traded_on, s.moved_on), sofar.bought, sofar.bought_value,
       CASE WHEN own THEN s.buy_prices ELSE '{}' END,
       p.reference_price, p.lowest_price, p.highest_price, p.volatility, a.signals_hash, a.sentences
  FROM insights_period p
  LEFT JOIN insights_advice a ON a.tenant_id = p.tenant_id AND a.user_id = %(user)s AND a.frequency = p.frequency
   AND a.period_start = p.period_start
 CROSS JOIN LATERAL (
       SELECT i.*, i.period_start = p.period_start AS own FROM insights_snapshot i
        WHERE i.tenant_id = %(tenant)s AND i.user_id = %(user)s AND i.frequency = p.frequency
          AND i.period_start <= p.period_start
        ORDER BY i.period_start DESC LIMIT 1
       ) s
  LEFT JOIN LATERAL (
       SELECT i.traded_on FROM insights_snapshot i
        WHERE i.tenant_id = %(tenant)s AND i.user_id = %(user)s AND i.frequency = p.frequency
          AND i.period_start <= p.period_start AND i.traded_on IS NOT NULL
        ORDER BY i.period_start DESC LIMIT 1
       ) trade ON true
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(i.bought), 0) AS bought, coalesce(sum(i.bought_value), 0) AS bought_value
         FROM insights_snapshot i
        WHERE i.tenant_id = %(tenant)s AND i.user_id = %(user)s AND i.frequency = p.frequency
          AND i.period_start <= p.period_start
       ) sofar
 WHERE p.tenant_id = %(tenant)s AND (p.period_start, p.frequency) < (%(start)s, %(behind)s)
   AND p.frequency = ANY(%(frequencies)s)
   AND p.period_start >= (SELECT min(i.period_start) FROM insights_snapshot i
                           WHERE i.tenant_id = %(tenant)s AND i.user_id = %(user)s AND i.frequency = 'weekly')
   AND (s.holding > 0 OR own AND s.buy_count + s.sell_count > 0)
 ORDER BY p.period_start DESC, p.frequency DESC
 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Insight:
    """A customer's day or week: its signals, and what they give reason to say."""

    id: UUID
    frequency: str
    period_start: date
    period_end: date
    generated_at: datetime
    signals: Signals
    written: list[str] | None
    """By a language model about these very signals; None where it has not, or they have changed since."""

    @property
    def sentences(self) -> list[str]:
        """What the customer is told."""
        return advice.sentences(self.signals, written=self.written)

    @property
    def place(self) -> Place:
        """For ``insights(before=...)`` to go on behind this one."""
        return self.period_start, self.frequency


def generation(actor: Actor) -> int:
    """A number that is another one whenever the tenant's snapshots have changed; what was read under it stays true.

    Raises: TokenRevoked, AccountDisabled, TenantInactive, Unauthorized.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GATE, [actor.tenant_id, actor.user_id, actor.session_id])
        state, number = cursor.fetchone()
    standing.check(state)
    return number or 0


def insights(
    *, tenant_id: UUID, user_id: UUID, frequency: str | None = None, before: Place = NEWEST, most: int
) -> list[Insight]:
    """At most ``most`` insights of a customer behind ``before``, newest first. The caller has checked the standing."""
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "user": user_id,
        "start": before[0],
        "behind": before[1],
        "frequencies": [frequency] if frequency else list(FREQUENCIES),
        "most": most,
    }
    with tenancy.tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_PAGE, values)
        return [_insight(user_id, *row) for row in cursor.fetchall()]


_SUMS = [name for name in Sums.__dataclass_fields__ if name != "frequency"]


def _insight(
    user_id: UUID, frequency: str, period_start: date, period_end: date, generated_at: datetime, *rest: Any
) -> Insight:
    *sums, signals_hash, written = rest
    found = signals.of(Sums(frequency=frequency, **dict(zip(_SUMS, sums, strict=True))))
    # Made of what it names, so that it is the same after a rebuild, and also where no row is kept.
    identifier = uuid5(user_id, f"{frequency}/{period_start}")
    still_true = signals_hash is not None and bytes(signals_hash) == advice.fingerprint(found)
    about_it = orjson.loads(written) if still_true else None
    return Insight(identifier, frequency, period_start, period_end, generated_at, found, about_it)


@dataclass(frozen=True, slots=True)
class RunView:
    """A run and how it goes. ``counts``: tenants in all and done, wallets, ledger entries and snapshots so far."""

    id: UUID
    status: str
    trigger: str
    counts: dict[str, int]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None

    @property
    def duration_seconds(self) -> float | None:
        """From the first part's start to the last one's end; None before that."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


def run_as(*, by: Actor, run_id: UUID) -> RunView:
    """A run, for the platform's admins. Raises: Forbidden, NotFound."""
    with tenancy.platform_scope("look at an ETL run"):
        standing.require_platform_admin(actor=by)
        return _run(run_id)


def run(*, run_id: UUID) -> RunView:
    """A run, for the command line. Raises: NotFound."""
    with tenancy.platform_scope("look at an ETL run"):
        return _run(run_id)


def _run(run_id: UUID) -> RunView:
    row = EtlRun.objects.filter(id=run_id).first()
    if row is None:
        raise NotFound
    parts = list(EtlPart.objects.filter(tenant_id__in=row.tenants, run_id=run_id))
    done = [part for part in parts if part.finished_at]
    began = [part.started_at for part in parts if part.started_at]
    ended = [part.finished_at for part in done if part.finished_at]
    errors = [f"{part.tenant_id}: {part.error}" for part in parts if part.error]
    finished = len(done) == len(parts)
    return RunView(
        id=row.id,
        status=_status(parts),
        trigger=row.trigger,
        counts={
            "tenants": len(parts),
            "tenants_done": len(done),
            "wallets": sum(part.wallets for part in parts),
            "entries": sum(part.entries for part in parts),
            "snapshots": sum(part.snapshots for part in parts),
        },
        created_at=row.created_at,
        started_at=min(began, default=row.created_at if finished else None),
        finished_at=max(ended, default=row.created_at) if finished else None,
        error="; ".join(errors[:10]) or None,
    )


def _status(parts: list[EtlPart]) -> State:
    states = {State(part.status) for part in parts}
    if State.RUNNING in states or (State.QUEUED in states and len(states) > 1):
        return State.RUNNING
    if State.QUEUED in states:
        return State.QUEUED
    return State.FAILED if State.FAILED in states else State.SUCCEEDED
