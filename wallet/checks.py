"""What reconciliation checks of a tenant: one statement each, in one list. They report and change nothing.

Each looks at the temporary table ``looked_at``, which holds the tenant's wallets that moved since they were verified
(all of them in a full run) with the entry to begin behind, and returns rows of wallet (null: the tenant), number of the
first broken entry (0: of none), what was expected, what was found. Grams, cents and hashes as text.
"""

from dataclasses import dataclass

MOST = 1000
"""Rows of one check and tenant that are kept: enough to see what is going on."""

LOOK_AT = """
CREATE TEMPORARY TABLE looked_at ON COMMIT DROP AS
SELECT w.id AS wallet_id, w.number, w.gold, w.cash, w.hash,
       coalesce(v.number, 0) AS verified, v.hash AS verified_hash,
       CASE WHEN %(full)s THEN 0 ELSE coalesce(v.number, 0) END AS begin,
       CASE WHEN %(full)s THEN 0 ELSE coalesce(v.gold, 0) END AS begin_gold,
       CASE WHEN %(full)s THEN 0 ELSE coalesce(v.cash, 0) END AS begin_cash,
       CASE WHEN %(full)s OR v.hash IS NULL THEN decode(repeat('00', 32), 'hex') ELSE v.hash END AS begin_hash
  FROM wallet_wallet w
  LEFT JOIN wallet_verified_head v ON v.tenant_id = w.tenant_id AND v.id = w.id
 WHERE w.tenant_id = %(tenant)s
   AND (%(full)s OR (v.number, v.gold, v.cash, v.hash) IS DISTINCT FROM (w.number, w.gold, w.cash, w.hash))
"""

COUNTS = """
SELECT count(*), coalesce(sum((
           SELECT count(*) FROM wallet_ledger e
            WHERE e.tenant_id = %(tenant)s AND e.wallet_id = l.wallet_id AND e.number > l.begin)), 0)
  FROM looked_at l
"""

MARK = """
INSERT INTO wallet_verified_head AS v (tenant_id, id, number, gold, cash, hash, verified_at)
SELECT %(tenant)s, l.wallet_id, l.number, l.gold, l.cash, l.hash, %(now)s
  FROM looked_at l
 WHERE l.wallet_id <> ALL(%(broken)s) AND (l.verified, l.verified_hash) IS DISTINCT FROM (l.number, l.hash)
ON CONFLICT (tenant_id, id) DO UPDATE
   SET number = excluded.number, gold = excluded.gold, cash = excluded.cash, hash = excluded.hash,
       verified_at = excluded.verified_at
"""


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name; ``always``: in incremental runs too."""

    name: str
    statement: str
    always: bool = True


_CHAIN = """
WITH walked AS (
    SELECT e.wallet_id, e.number, e.hash, e.previous_hash, e.gold_after, e.cash_after, e.gold_delta, e.cash_delta,
           lag(e.number, 1, l.begin) OVER chain AS number_before,
           lag(e.hash, 1, l.begin_hash) OVER chain AS hash_before,
           lag(e.gold_after, 1, l.begin_gold) OVER chain AS gold_before,
           lag(e.cash_after, 1, l.begin_cash) OVER chain AS cash_before,
           sha256(convert_to(wallet_ledger_canonical(e), 'UTF8')) AS hash_of_it
      FROM looked_at l
      JOIN wallet_ledger e ON e.tenant_id = %(tenant)s AND e.wallet_id = l.wallet_id AND e.number > l.begin
    WINDOW chain AS (PARTITION BY e.wallet_id ORDER BY e.number)
)
SELECT DISTINCT ON (wallet_id) wallet_id, number_before + 1, fault.expected, fault.found
  FROM walked
 CROSS JOIN LATERAL (VALUES
    (number <> number_before + 1, 'entry ' || number_before + 1, 'entry ' || number),
    (previous_hash <> hash_before, 'previous hash ' || encode(hash_before, 'hex'), encode(previous_hash, 'hex')),
    (hash <> hash_of_it, 'hash ' || encode(hash_of_it, 'hex'), encode(hash, 'hex')),
    (gold_after <> gold_before + gold_delta, gold_before + gold_delta || ' g after it', gold_after || ' g'),
    (cash_after <> cash_before + cash_delta, cash_before + cash_delta || ' cents after it', cash_after || ' cents')
 ) AS fault (broken, expected, found)
 WHERE fault.broken
 ORDER BY wallet_id, number
"""
_HEAD = """
SELECT l.wallet_id, least(coalesce(last.number, 0) + 1, l.number),
       format('number %%s, %%s g, %%s cents, hash %%s, as the wallet says',
              l.number, l.gold::numeric(24, 8), l.cash, encode(l.hash, 'hex')),
       coalesce(format('number %%s, %%s g, %%s cents, hash %%s in the last entry',
                       last.number, last.gold_after, last.cash_after, encode(last.hash, 'hex')), 'no entry')
  FROM looked_at l
  LEFT JOIN LATERAL (
        SELECT e.number, e.gold_after, e.cash_after, e.hash FROM wallet_ledger e
         WHERE e.tenant_id = %(tenant)s AND e.wallet_id = l.wallet_id ORDER BY e.number DESC LIMIT 1
       ) AS last ON true
 WHERE (l.number, l.gold, l.cash, l.hash) IS DISTINCT FROM (
        coalesce(last.number, 0), coalesce(last.gold_after, 0), coalesce(last.cash_after, 0),
        coalesce(last.hash, decode(repeat('00', 32), 'hex')))
"""
# Whoever rewrites an entry and all hashes after it makes a chain that holds: but not the one that was verified.
_VERIFIED = """
SELECT l.wallet_id, l.verified, 'hash ' || encode(l.verified_hash, 'hex') || ', as verified before',
       coalesce((SELECT encode(e.hash, 'hex') FROM wallet_ledger e
                  WHERE e.tenant_id = %(tenant)s AND e.wallet_id = l.wallet_id AND e.number = l.verified), 'no entry')
  FROM looked_at l
 WHERE l.verified > 0 AND NOT EXISTS (
        SELECT FROM wallet_ledger e WHERE e.tenant_id = %(tenant)s AND e.wallet_id = l.wallet_id
           AND e.number = l.verified AND e.hash = l.verified_hash)
"""
_ORPHANS = """
SELECT coalesce(e.wallet_id, v.id), coalesce(e.number, v.number), 'a wallet', 'entries or a verified head without one'
  FROM (SELECT wallet_id, min(number) AS number FROM wallet_ledger WHERE tenant_id = %(tenant)s GROUP BY wallet_id) e
  FULL JOIN (SELECT id, number FROM wallet_verified_head WHERE tenant_id = %(tenant)s) v ON v.id = e.wallet_id
 WHERE NOT EXISTS (SELECT FROM wallet_wallet w WHERE w.tenant_id = %(tenant)s AND w.id = coalesce(e.wallet_id, v.id))
"""
_OPENING = """
SELECT l.wallet_id, e.number, 'an opening entry at number 1 only', 'another one'
  FROM looked_at l
  JOIN wallet_ledger e ON e.tenant_id = %(tenant)s AND e.wallet_id = l.wallet_id AND e.number > greatest(l.begin, 1)
 WHERE e.kind = 'opening'
"""
_HOLDS = """
SELECT coalesce(w.id, p.wallet_id), 0, coalesce(p.cents, 0) || ' cents held for withdrawals',
       coalesce(w.held, 0) || ' cents'
  FROM (SELECT id, held FROM wallet_wallet WHERE tenant_id = %(tenant)s AND held <> 0) w
  FULL JOIN (
        SELECT wallet_id, sum(cents)::bigint AS cents FROM wallet_withdrawal
         WHERE tenant_id = %(tenant)s AND status IN ('requested', 'approved', 'exported') GROUP BY wallet_id
       ) p ON p.wallet_id = w.id
 WHERE coalesce(w.held, 0) <> coalesce(p.cents, 0)
"""
_QUOTES = """
SELECT NULL::uuid, 0, 'quote ' || quote_id || ' used once', count(*) || ' entries'
  FROM wallet_ledger WHERE tenant_id = %(tenant)s AND quote_id IS NOT NULL
 GROUP BY quote_id HAVING count(*) > 1
"""
_JOURNAL = """
SELECT NULL::uuid, 0, 'a journal that sums to zero', sum(j.amount) || ' ' || j.asset
  FROM looked_at l
  JOIN journal j ON j.tenant_id = %(tenant)s AND j.wallet_id = l.wallet_id AND j.number > l.begin
 GROUP BY j.asset HAVING sum(j.amount) <> 0
"""
_TRANSIT = """
SELECT NULL::uuid, 0, coalesce(t.gold, 0) || ' g on their way in transfers', coalesce(e.gold, 0) || ' g in the ledger'
  FROM (SELECT -sum(gold_delta) AS gold FROM wallet_ledger WHERE tenant_id = %(tenant)s AND kind = 'transfer') e,
       (SELECT sum(gold) AS gold FROM wallet_transfer WHERE tenant_id = %(tenant)s AND status = 'pending') t
 WHERE coalesce(e.gold, 0) <> coalesce(t.gold, 0)
"""
# Events are pruned when they have left and are older than the retention. Their ids begin with their time (UUID 7),
# which keeps the look at the outbox to its newest part; an hour of grace, since ids are made by other clocks.
_OUTBOX = """
WITH entry AS (
    SELECT e.id, e.wallet_id, e.number, e.created_at FROM looked_at l
      JOIN wallet_ledger e ON e.tenant_id = %(tenant)s AND e.wallet_id = l.wallet_id AND e.number > l.begin
     WHERE e.created_at > %(retained)s
), event AS MATERIALIZED (
    SELECT (payload ->> 'entry_id')::uuid AS entry_id FROM aurix_outbox
     WHERE tenant_id = %(tenant)s AND type LIKE 'wallet.%%' AND id >= (
           SELECT rpad(lpad(to_hex((extract(epoch FROM min(created_at) - interval '1 hour') * 1000)::bigint),
                            12, '0'), 32, '0')::uuid FROM entry)
)
SELECT DISTINCT ON (e.wallet_id) e.wallet_id, e.number, 'an event of this entry in the outbox', 'none'
  FROM entry e WHERE NOT EXISTS (SELECT FROM event WHERE event.entry_id = e.id)
 ORDER BY e.wallet_id, e.number
"""

CHECKS = (
    Check("chain", _CHAIN),
    Check("head", _HEAD),
    Check("verified", _VERIFIED),
    Check("opening", _OPENING),
    Check("holds", _HOLDS),
    Check("journal", _JOURNAL),
    Check("outbox", _OUTBOX),
    Check("orphans", _ORPHANS, always=False),
    Check("quotes", _QUOTES, always=False),
    Check("transit", _TRANSIT, always=False),
)
