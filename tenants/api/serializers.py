"""Input and output of the calls about tenants."""

import re
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from aurix import clock, sepa
from aurix.api.serializers import DecimalString, StrictChar, StrictInteger, StrictSerializer, read
from aurix.errors import BadRequest
from tenants.actions.settlement import Account
from tenants.actions.terms import Fees
from tenants.queries import TenantView

_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
"""ISO 9362, as ISO 20022 writes it (BICFIDec2014Identifier)."""


class TenantOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(["active", "deactivated"])
    created_at = serializers.DateTimeField()


class TenantsOutput(serializers.Serializer[Any]):
    items = TenantOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class StatusOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["active", "deactivated", "updated"])
    tenant_id = serializers.UUIDField()


class FeesInput(StrictSerializer):
    buy_fee_rate = DecimalString(places=8, help_text="a share of gross, below 1")
    sell_fee_rate = DecimalString(places=8, help_text="a share of gross, below 1")
    min_fee_eur_cents = StrictInteger(low=0, high=10**9)


class SettlementAccountInput(StrictSerializer):
    holder_name = StrictChar(max_length=70, help_text="the account's holder, as the bank knows it")
    iban = StrictChar(max_length=sepa.LONGEST_IBAN, help_text="of the SEPA area; spaces are allowed")
    bic = StrictChar(max_length=11, required=False, help_text="where the bank wants it: 8 or 11 characters")


def tenant(view: TenantView) -> dict[str, str]:
    """An item of ``GET /admin/tenants``."""
    return {
        "id": str(view.id),
        "code": view.code,
        "name": view.name,
        "status": view.status,
        "created_at": clock.rfc3339(view.created_at),
    }


def read_fees(request: Request) -> Fees:
    """The fees in a request's body. Raises: BadRequest."""
    values = read(FeesInput, request=request)
    for name in ("buy_fee_rate", "sell_fee_rate"):
        if values[name] >= 1:
            raise BadRequest(f"{name} must be below 1.", details={"fields": {name: "must be below 1"}})
    return Fees(values["buy_fee_rate"], values["sell_fee_rate"], min_fee_cents=values["min_fee_eur_cents"])


def read_settlement_account(request: Request) -> Account:
    """The bank account in a request's body. Raises: BadRequest."""
    values = read(SettlementAccountInput, request=request)
    if not sepa.is_latin_name(values["holder_name"]):
        raise _bad("holder_name", "must be written in Latin letters")
    bic = values.get("bic", "")
    if bic and not _BIC.fullmatch(bic):
        raise _bad("bic", "is not a BIC")
    try:
        return Account(holder_name=values["holder_name"], iban=sepa.parse_iban(values["iban"]), bic=bic)
    except sepa.IbanError as problem:
        raise _bad("iban", str(problem)) from problem


def _bad(name: str, reason: str) -> BadRequest:
    return BadRequest(f"{name} {reason}.", details={"fields": {name: reason}})
