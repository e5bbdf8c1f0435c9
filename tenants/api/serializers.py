"""Input and output of the calls about tenants."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from aurix import clock
from aurix.api.serializers import DecimalString, StrictInteger, StrictSerializer, read
from aurix.errors import BadRequest
from tenants.actions.terms import Fees
from tenants.queries import TenantView


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
