"""Setting the price of gold."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from aurix import audit, money, standing
from aurix.actor import Actor
from aurix.errors import BadRequest
from aurix.tenancy import platform_scope
from wallet import locks, queries
from wallet.models import GoldPrice


def check_sane(price: Decimal) -> None:
    """Raises: BadRequest outside of what a price of gold may be (``GOLD_PRICE_MIN_EUR`` to ``GOLD_PRICE_MAX_EUR``)."""
    low, high = settings.GOLD_PRICE_MIN_EUR, settings.GOLD_PRICE_MAX_EUR
    if not low <= price <= high:
        raise BadRequest(
            f"The price must be from {low} to {high} EUR per gram.",
            details={"fields": {"price_eur": f"must be from {low} to {high}"}},
        )


def set_price_as(*, by: Actor, price: Decimal, now: datetime) -> GoldPrice:
    """Set the price for every tenant, as the platform's admin. Raises: Forbidden, BadRequest."""
    with platform_scope("set the price of gold"):
        standing.require_platform_admin(actor=by)
        return _set(price=price, source="manual", by=by.user_id, now=now)


def set_price(*, price: Decimal, now: datetime) -> GoldPrice:
    """Set the price from the command line, in force for every process with its commit. Raises: BadRequest."""
    with platform_scope("set the price of gold"):
        return _set(price=price, source="manual", by=None, now=now)


def ensure_default(*, now: datetime) -> None:
    """Set ``DEFAULT_GOLD_PRICE_EUR`` when there never was a price."""
    with platform_scope("set the first price of gold"):
        locks.price_history()
        if queries.current_price() is None:
            _set(price=settings.DEFAULT_GOLD_PRICE_EUR, source="default", by=None, now=now)


def _set(*, price: Decimal, source: str, by: UUID | None, now: datetime) -> GoldPrice:
    check_sane(price)
    locks.price_history()
    before = queries.current_price()
    current = GoldPrice(price=price, source=source, set_by=by, created_at=now)
    current.save(force_insert=True)
    audit.record(
        action="gold_price.set",
        subject_id=str(current.id),
        tenant_id=None,
        by=by,
        now=now,
        before={"price_eur": money.format_grams(before.price)} if before else None,
        after={"price_eur": money.format_grams(price)},
    )
    return current
