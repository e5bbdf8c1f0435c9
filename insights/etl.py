"""From the ledger to snapshots: one step at a time, each a transaction of its own that the caller has begun.

What is new is told by the wallets' own numbers, not by a clock: see docs/decisions/0008-etl-watermark.md.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from insights import locks
from insights.models import Progress, Watermark

WALLETS = 250
"""That are looked at in one step, so that memory, locks and lost work stay small."""

_MEMORY = "64MB"
"""For the sorting of a step's entries, which then needs no disk."""

_JOIN = """
INSERT INTO insights_progress (tenant_id, wallet_id, number, week_number)
SELECT tenant_id, wallet_id, 0, 1 FROM wallet_heads w
 WHERE tenant_id = %(tenant)s
   AND NOT EXISTS (SELECT FROM insights_progress p WHERE p.tenant_id = %(tenant)s AND p.wallet_id = w.wallet_id)
 ORDER BY wallet_id
    ON CONFLICT DO NOTHING
"""

# `fresh`: wallets with entries that were not seen. `since` is the first entry to recompute from: the first of the week
# that was seen last; everything, where the new ones reach back behind that week (the ledger's clock forbids it).
# `grouped`: that from there on, by day and by week. It replaces what there was of those weeks.
_STEP = """
WITH fresh AS MATERIALIZED (
    SELECT w.wallet_id, w.user_id, w.number AS head, p.number AS seen, p.week_number,
           coalesce(p.week_start, '-infinity') AS week_start
      FROM insights_progress p
      JOIN wallet_heads w ON w.tenant_id = p.tenant_id AND w.wallet_id = p.wallet_id
     WHERE p.tenant_id = %(tenant)s AND p.wallet_id = ANY(%(wallets)s)
), reaching AS (
    SELECT f.*, f.seen > 0 AND EXISTS (
               SELECT FROM wallet_gold_moves m
                WHERE m.tenant_id = %(tenant)s AND m.wallet_id = f.wallet_id AND m.number > f.seen
                  AND m.number <= f.head AND (m.created_at AT TIME ZONE %(zone)s)::date < f.week_start
           ) AS back
      FROM fresh f
), span AS MATERIALIZED (
    SELECT wallet_id, user_id, head, seen, CASE WHEN back THEN 1 ELSE week_number END AS since,
           CASE WHEN back THEN '-infinity' ELSE week_start END AS week_start
      FROM reaching
), moved AS (
    SELECT s.user_id, m.*, (m.created_at AT TIME ZONE %(zone)s)::date AS day,
           date_trunc('week', m.created_at AT TIME ZONE %(zone)s)::date AS week
      FROM span s
     CROSS JOIN LATERAL (
           SELECT e.number, e.kind, e.gold_delta, e.price, e.reference_price, e.gross, e.fee, e.gold_after, e.created_at
             FROM wallet_gold_moves e
            WHERE e.tenant_id = %(tenant)s AND e.wallet_id = s.wallet_id AND e.number >= s.since AND e.number <= s.head
           ) m
), grouped AS MATERIALIZED (
    SELECT user_id, CASE WHEN grouping(day) = 0 THEN 'daily' ELSE 'weekly' END AS frequency,
           CASE WHEN grouping(day) = 0 THEN day ELSE week END AS start,
           count(*) FILTER (WHERE kind = 'buy') AS buy_count,
           count(*) FILTER (WHERE kind = 'sell') AS sell_count,
           coalesce(sum(gold_delta) FILTER (WHERE kind = 'buy'), 0) AS bought,
           coalesce(-sum(gold_delta) FILTER (WHERE kind = 'sell'), 0) AS sold,
           coalesce(sum(gold_delta * price) FILTER (WHERE kind = 'buy'), 0) AS bought_value,
           coalesce(-sum(gold_delta * price) FILTER (WHERE kind = 'sell'), 0) AS sold_value,
           coalesce(sum(gross) FILTER (WHERE kind IN ('buy', 'sell')), 0) AS gross,
           coalesce(sum(fee) FILTER (WHERE kind IN ('buy', 'sell')), 0) AS fees,
           (max(ARRAY[number, gold_after]))[2] AS holding,
           (max(created_at) AT TIME ZONE %(zone)s)::date AS moved_on,
           (max(created_at) FILTER (WHERE kind IN ('buy', 'sell')) AT TIME ZONE %(zone)s)::date AS traded_on,
           coalesce(array_agg(reference_price) FILTER (WHERE kind = 'buy'), '{}') AS buy_prices,
           min(number) AS first_number
      FROM moved
     GROUP BY GROUPING SETS ((user_id, week, day), (user_id, week))
), written AS (
    INSERT INTO insights_snapshot (
           tenant_id, user_id, frequency, period_start, buy_count, sell_count, bought, sold, bought_value, sold_value,
           gross, fees, holding, moved_on, traded_on, buy_prices, generated_at)
    SELECT %(tenant)s, user_id, frequency, start, buy_count, sell_count, bought, sold, bought_value, sold_value, gross,
           fees, holding, moved_on, traded_on, buy_prices, %(now)s
      FROM grouped g
     WHERE NOT EXISTS (
           SELECT FROM insights_snapshot s
            WHERE s.tenant_id = %(tenant)s AND s.user_id = g.user_id AND s.frequency = g.frequency
              AND s.period_start = g.start
              AND (s.buy_count, s.sell_count, s.bought, s.sold, s.bought_value, s.sold_value, s.gross, s.fees,
                   s.holding, s.moved_on)
                  = (g.buy_count, g.sell_count, g.bought, g.sold, g.bought_value, g.sold_value, g.gross, g.fees,
                     g.holding, g.moved_on)
              AND s.traded_on IS NOT DISTINCT FROM g.traded_on)
        ON CONFLICT (tenant_id, user_id, frequency, period_start) DO UPDATE SET
           buy_count = excluded.buy_count, sell_count = excluded.sell_count, bought = excluded.bought,
           sold = excluded.sold, bought_value = excluded.bought_value, sold_value = excluded.sold_value,
           gross = excluded.gross, fees = excluded.fees, holding = excluded.holding, moved_on = excluded.moved_on,
           traded_on = excluded.traded_on, buy_prices = excluded.buy_prices, generated_at = excluded.generated_at
    RETURNING 1
), removed AS (
    DELETE FROM insights_snapshot s USING span
     WHERE s.tenant_id = %(tenant)s AND s.user_id = span.user_id AND s.period_start >= span.week_start
       AND NOT EXISTS (SELECT FROM grouped g WHERE g.user_id = s.user_id AND g.frequency = s.frequency
                          AND g.start = s.period_start)
    RETURNING 1
), last_week AS (
    SELECT DISTINCT ON (user_id) user_id, start, first_number
      FROM grouped WHERE frequency = 'weekly' ORDER BY user_id, start DESC
), remembered AS (
    UPDATE insights_progress p
       SET number = span.head, week_number = coalesce(l.first_number, span.since), week_start = l.start
      FROM span LEFT JOIN last_week l USING (user_id)
     WHERE p.tenant_id = %(tenant)s AND p.wallet_id = span.wallet_id
)
SELECT (SELECT coalesce(sum(head - seen), 0) FROM span),
       (SELECT count(*) FROM written) + (SELECT count(*) FROM removed),
       (SELECT min(start) FROM grouped WHERE frequency = 'weekly'),
       (SELECT max(start) FROM grouped WHERE frequency = 'daily')
"""

# The market of every day and week from a Monday on. `carried`: the last price up to the period's end. An hour has
# passed unseen when the clock went back, so days begin where the time zone says and not every 24 hours.
_PERIODS = """
WITH calendar AS (
    SELECT 'daily' AS frequency, d::date AS start, d::date AS finish
      FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, '1 day') d
     UNION ALL
    SELECT 'weekly', d::date, d::date + 6 FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, '7 days') d
), priced AS (
    SELECT v.frequency, v.start, count(*) AS n, avg(p.price) AS mean, stddev_pop(p.price) AS deviation,
           min(p.price) AS lowest, max(p.price) AS highest, max(ARRAY[p.id, p.price]) AS latest
      FROM wallet_prices p
     CROSS JOIN LATERAL (VALUES
           ('daily', (p.created_at AT TIME ZONE %(zone)s)::date),
           ('weekly', date_trunc('week', p.created_at AT TIME ZONE %(zone)s)::date)
           ) v (frequency, start)
     WHERE p.created_at >= %(first)s::timestamp AT TIME ZONE %(zone)s
     GROUP BY v.frequency, v.start
), before AS MATERIALIZED (
    SELECT coalesce(
           (SELECT price FROM wallet_prices WHERE created_at < %(first)s::timestamp AT TIME ZONE %(zone)s
             ORDER BY id DESC LIMIT 1),
           (SELECT price FROM wallet_prices ORDER BY id DESC LIMIT 1)) AS price
), measured AS (
    SELECT c.*, coalesce(p.n, 0) AS n, p.mean, p.deviation, p.lowest, p.highest,
           coalesce((max(p.latest) OVER (PARTITION BY c.frequency ORDER BY c.start))[2],
                    (SELECT price FROM before)) AS carried
      FROM calendar c LEFT JOIN priced p USING (frequency, start)
)
INSERT INTO insights_period AS i (
       tenant_id, period_start, frequency, period_end, as_of, price_count, reference_price, lowest_price, highest_price,
       volatility, generated_at)
SELECT %(tenant)s, start, frequency, finish, least(finish, %(last)s), n, round(coalesce(mean, carried), 8),
       coalesce(lowest, carried), coalesce(highest, carried), round(coalesce(100 * deviation / mean, 0), 8), %(now)s
  FROM measured
    ON CONFLICT (tenant_id, period_start, frequency) DO UPDATE SET
       as_of = excluded.as_of, price_count = excluded.price_count, reference_price = excluded.reference_price,
       lowest_price = excluded.lowest_price, highest_price = excluded.highest_price, volatility = excluded.volatility,
       generated_at = excluded.generated_at
 WHERE (i.as_of, i.price_count, i.reference_price, i.lowest_price, i.highest_price, i.volatility)
       IS DISTINCT FROM
       (excluded.as_of, excluded.price_count, excluded.reference_price, excluded.lowest_price, excluded.highest_price,
        excluded.volatility)
"""

_NEW_PRICES = "SELECT max(id), min(created_at) FROM wallet_prices WHERE id > %s"
_START = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did. ``last_wallet`` is None when it found nothing new."""

    wallets: int
    entries: int
    snapshots: int
    last_wallet: UUID | None


def prepare(*, tenant_id: UUID, time_zone: str, rebuild: bool, now: datetime) -> None:
    """Before a run's first step: take in new wallets.

    To ``rebuild``, or when the tenant has moved to another ``time_zone``, forget what was seen, so that the steps make
    everything again. Old snapshots stay in view until each is replaced.
    """
    today = _day(now, time_zone)
    fresh = Watermark(tenant_id=tenant_id, time_zone=time_zone, covered_from=_monday(today), covered_to=today)
    Watermark.objects.bulk_create([fresh], ignore_conflicts=True)
    moved = not Watermark.objects.filter(tenant_id=tenant_id, time_zone=time_zone).exists()
    if rebuild or moved:
        locks.tenant_alone(tenant_id)
        Progress.objects.filter(tenant_id=tenant_id).update(number=0, week_number=1, week_start=None)
        Watermark.objects.filter(tenant_id=tenant_id).update(time_zone=time_zone, price_id=0)
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, {"tenant": tenant_id})


def step(*, tenant_id: UUID, after: UUID | None = None, wait: bool, now: datetime) -> Step:
    """Bring the snapshots of the next ``WALLETS`` wallets behind ``after`` up to date, in the tenant's scope.

    Also the market of their periods, up to the day that it is ``now`` in the tenant's time zone. Wallets on which
    others work are passed over, unless ``wait``.
    """
    locks.tenant_with_others(tenant_id)
    wallets = locks.fresh_wallets(tenant_id=tenant_id, after=after or _START, most=WALLETS, wait=wait)
    zone = Watermark.objects.values_list("time_zone", flat=True).get(tenant_id=tenant_id)
    entries, snapshots, first, last = _make_snapshots(tenant_id, wallets, zone, now) if wallets else (0, 0, None, None)
    mark = locks.watermark(tenant_id)
    periods = _look_at_market(mark, first=first, last=last, now=now)
    if snapshots or periods:
        mark.generation += 1
    mark.save()
    return Step(len(wallets), entries, snapshots, wallets[-1] if wallets else None)


def _make_snapshots(
    tenant_id: UUID, wallets: list[UUID], time_zone: str, now: datetime
) -> tuple[int, int, date | None, date | None]:
    """Entries seen, snapshots written, and the first Monday and the last day of them."""
    values: dict[str, Any] = {"tenant": tenant_id, "wallets": wallets, "zone": time_zone, "now": now}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [_MEMORY])
        cursor.execute(_STEP, values)
        entries, snapshots, first, last = cursor.fetchone()
    return int(entries), snapshots, first, last


def _look_at_market(mark: Watermark, *, first: date | None, last: date | None, now: datetime) -> int:
    """Measure the periods that are new, and those with new prices; how many have changed.

    ``first`` and ``last`` are days of the entries that were found. A ledger whose clock is ahead of ``now`` counts.
    """
    today = _day(now, mark.time_zone)
    last = max(today, last or today)
    with connection.cursor() as cursor:
        cursor.execute(_NEW_PRICES, [mark.price_id])
        newest, since = cursor.fetchone()
        starts = [mark.covered_from] if mark.price_id == 0 else []
        if since:
            starts.append(_day(since, mark.time_zone))
        if last > mark.covered_to:
            starts.append(mark.covered_to)
        if first and first < mark.covered_from:
            starts.append(first)
            mark.covered_from = first
        mark.covered_to, mark.price_id = max(last, mark.covered_to), newest or mark.price_id
        if not starts:
            return 0
        begin = max(_monday(min(starts)), mark.covered_from)
        values: dict[str, Any] = {
            "tenant": mark.tenant_id,
            "zone": mark.time_zone,
            "first": begin,
            "last": mark.covered_to,
            "now": now,
        }
        cursor.execute(_PERIODS, values)
        return int(cursor.rowcount)


def _day(moment: datetime, time_zone: str) -> date:
    return moment.astimezone(ZoneInfo(time_zone)).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
