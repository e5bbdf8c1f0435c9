"""Idempotency of what is no trade: the answer to a POST is kept beside its effect, in the same transaction, for ever.

    with tenancy.tenant_scope(by.tenant_id):
        if known := answers.replay(attempt, tenant_id=by.tenant_id):
            return known
        ...
        return answers.keep(attempt, result, tenant_id=by.tenant_id, now=now)

A failed attempt keeps nothing. Of parallel requests with one key the later ones wait in ``replay`` for the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from aurix.errors import IdempotencyKeyReused
from wallet import locks
from wallet.payments import Answer


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request under an idempotency key, which belongs to (tenant, user, operation).

    ``fingerprint`` is the hash of what the client sent, ``render`` makes the answer of what the action returns.
    """

    user_id: UUID
    operation: str
    key: str
    fingerprint: bytes
    render: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer, and whether it had been given before."""

    body: dict[str, Any]
    replayed: bool


def replay(attempt: Attempt, *, tenant_id: UUID) -> Kept | None:
    """The answer that the key already has, None for a new key, which from here on is this transaction's.

    Raises: IdempotencyKeyReused.
    """
    locks.once(tenant_id=tenant_id, subject=f"{attempt.user_id}/{attempt.operation}/{attempt.key}")
    known = Answer.objects.filter(
        tenant_id=tenant_id,
        user_id=attempt.user_id,
        operation=attempt.operation,
        idempotency_key=attempt.key,
    ).first()
    if known is None:
        return None
    if bytes(known.fingerprint) != attempt.fingerprint:
        raise IdempotencyKeyReused
    return Kept(orjson.loads(known.body), replayed=True)


def keep(attempt: Attempt, result: Any, *, tenant_id: UUID, now: datetime) -> Kept:
    """Keep the answer that ``result`` makes."""
    body = attempt.render(result)
    Answer(
        tenant_id=tenant_id,
        user_id=attempt.user_id,
        operation=attempt.operation,
        idempotency_key=attempt.key,
        fingerprint=attempt.fingerprint,
        body=orjson.dumps(body).decode(),
        created_at=now,
    ).save(force_insert=True)
    return Kept(body, replayed=False)
