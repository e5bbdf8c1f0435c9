"""Requests for erasure over HTTP: the person's own call, and the register of the tenant's staff."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock
from aurix.api import cursors
from aurix.api.permissions import actor_of
from aurix.api.ratelimits import Limit
from aurix.api.schema import errors
from aurix.api.serializers import StrictChar, StrictInteger, StrictSerializer, read
from aurix.api.views import ApiViewSet
from aurix.clock import rfc3339
from privacy.actions import erasure, policies
from privacy.models import ErasureRequest
from wallet.api.staff import StaffViewSet, TenantViewSet

_STAFF = errors(400, 401, 403, 404)
_MESSAGE = "Your account is closed. Your data will be erased after the cooling-off period."


class ErasureInput(StrictSerializer):
    password = StrictChar(max_length=1024, required=False, help_text="where the organisation wants it again")


class ErasureOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["accepted"])
    message = serializers.CharField()
    request_id = serializers.UUIDField()


class StrictBoolean(serializers.BooleanField):
    """A JSON true or false, made from nothing else."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class PolicyInput(StrictSerializer):
    asks_password = StrictBoolean()
    refuses_balance = StrictBoolean()
    cooling_off_days = StrictInteger(low=0, high=28)


class PolicyOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["updated"])
    tenant_id = serializers.UUIDField()


class HoldInput(StrictSerializer):
    reason = StrictChar(max_length=200, allow_blank=True, help_text="empty: lift the hold")


class NoInput(StrictSerializer):
    """No fields, or no body at all."""


class ErasureItemOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    status = serializers.ChoiceField(["accepted", "erased"])
    hold_reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    erase_after = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="a month after the request")
    paid_out_at = serializers.DateTimeField(allow_null=True, help_text="when staff saw to what was in the wallet")
    erased_at = serializers.DateTimeField(allow_null=True)
    certificate = serializers.DictField(allow_null=True, help_text="rows overwritten or removed, by table")


class ErasuresOutput(serializers.Serializer[Any]):
    items = ErasureItemOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def item(row: ErasureRequest) -> dict[str, Any]:
    """``ErasureItemOutput``."""
    return {
        "id": str(row.id),
        "user_id": str(row.user_id),
        "status": row.status,
        "hold_reason": row.hold_reason,
        "created_at": rfc3339(row.created_at),
        "erase_after": rfc3339(row.erase_after),
        "due_at": rfc3339(row.due_at),
        "paid_out_at": rfc3339(row.paid_out_at) if row.paid_out_at else None,
        "erased_at": rfc3339(row.erased_at) if row.erased_at else None,
        "certificate": row.certificate,
    }


class ErasureViewSet(ApiViewSet):
    """The signed-in person's wish to be forgotten."""

    rate_limits: ClassVar = {"create": Limit("change_password")}

    @extend_schema(request=ErasureInput, responses={202: ErasureOutput, **errors(400, 401, 403, 409, 429)})
    def create(self, request: Request) -> Response:
        """Close the account at once; personal data is erased after the organisation's cooling-off period."""
        password = read(ErasureInput, request=request).get("password", "")
        row = erasure.request(by=actor_of(request), password=password, now=clock.now())
        return Response({"status": "accepted", "message": _MESSAGE, "request_id": str(row.id)}, status=202)


class PolicyViewSet(TenantViewSet):
    """What an organisation decides about erasure."""

    @extend_schema(request=PolicyInput, responses={200: PolicyOutput, **_STAFF})
    def update(self, request: Request, pk: UUID) -> Response:
        """Set it for requests from now on."""
        choice = policies.Choice(**read(PolicyInput, request=request))
        policies.set_policy(by=actor_of(request), tenant_id=pk, choice=choice, now=clock.now())
        return Response({"status": "updated", "tenant_id": str(pk)})


class TenantErasureViewSet(TenantViewSet):
    """The register of requests."""

    @extend_schema(
        responses={200: ErasuresOutput, **_STAFF},
        parameters=[*cursors.parameters(default=20, high=100)],
    )
    def list(self, request: Request, pk: UUID) -> Response:
        """Newest first, with the law's deadline of each."""
        rows = ErasureRequest.objects.all()
        return self.page(request, pk, rows, options=ErasureRequest.Status.values, render=item)


class StaffErasureViewSet(StaffViewSet):
    """What staff decide about a request."""

    @extend_schema(request=HoldInput, responses={200: ErasureItemOutput, **_STAFF})
    def hold(self, request: Request, pk: UUID) -> Response:
        """A legal hold stops the erasure until it is lifted by an empty reason; the account stays closed."""
        reason = read(HoldInput, request=request)["reason"]
        return Response(item(erasure.hold(by=actor_of(request), request_id=pk, reason=reason, now=clock.now())))

    @extend_schema(request=NoInput, responses={200: ErasureItemOutput, **_STAFF})
    def paid_out(self, request: Request, pk: UUID) -> Response:
        """What was left in the wallet has been seen to; until then nothing is erased."""
        read(NoInput, request=request)
        return Response(item(erasure.mark_paid_out(by=actor_of(request), request_id=pk, now=clock.now())))
