"""Events that a target of the relay has refused, over HTTP, for the platform's admins."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock
from aurix.api import cursors
from aurix.api.permissions import PlatformAdmin, actor_of
from aurix.api.schema import errors
from aurix.api.serializers import StrictChar, StrictSerializer, read
from aurix.api.views import ApiViewSet
from aurix.errors import NotFound
from aurix.models import HeldEvent
from aurix.relay import held
from aurix.tenancy import platform_scope


class HeldEventOutput(serializers.Serializer[Any]):
    event_id = serializers.UUIDField()
    target = serializers.CharField()
    subject = serializers.UUIDField()
    status = serializers.ChoiceField(["waiting", "failing", "dead"])
    attempts = serializers.IntegerField()
    last_error = serializers.CharField()
    created_at = serializers.DateTimeField()


class HeldEventsOutput(serializers.Serializer[Any]):
    items = HeldEventOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class HeldEventInput(StrictSerializer):
    target = StrictChar(max_length=64, help_text="whose dead letter it is")


class DecidedOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["queued", "discarded"])
    event_id = serializers.UUIDField()


class HeldEventViewSet(ApiViewSet):
    """What Kafka or Redis refused, and what waits behind it. Those of webhooks are at their endpoints."""

    administration = True

    def get_permissions(self) -> list[Any]:
        """The default, then the role."""
        return [*super().get_permissions(), PlatformAdmin()]

    @extend_schema(
        responses={200: HeldEventsOutput, **errors(400, 401, 403)},
        parameters=[*cursors.parameters(default=20, high=100), OpenApiParameter("dead", OpenApiTypes.BOOL)],
    )
    def list(self, request: Request) -> Response:
        """Oldest first; `dead=true` leaves out what is still tried."""
        by, dead = actor_of(request), cursors.single(request, "dead") == "true"
        page = cursors.page(
            request,
            name="held-events",
            scope=f"{by.tenant_id}/{by.user_id}",
            filters={"dead": dead},
            default=20,
            high=100,
            fetch=lambda after, most: _rows(dead=dead, after=int(after[0]) if after else 0, most=most),
            position=lambda row: [row.pk],
            render=_held,
        )
        return Response(page)

    @extend_schema(request=HeldEventInput, responses={200: DecidedOutput, **errors(400, 401, 403, 404)})
    def requeue(self, request: Request, pk: UUID) -> Response:
        """Try a dead letter again, from the first attempt on, and what waits behind it."""
        return self._decide(request, held.requeue, "queued", pk)

    @extend_schema(request=HeldEventInput, responses={200: DecidedOutput, **errors(400, 401, 403, 404)})
    def discard(self, request: Request, pk: UUID) -> Response:
        """Give a dead letter up for good, so that what waits behind it leaves."""
        return self._decide(request, held.discard, "discarded", pk)

    def _decide(self, request: Request, verb: Any, status: str, event_id: UUID) -> Response:
        target = read(HeldEventInput, request=request)["target"]
        if not verb(target=target, event_id=event_id, by=actor_of(request).user_id):
            raise NotFound
        return Response({"status": status, "event_id": str(event_id)})


def _rows(*, dead: bool, after: int, most: int) -> list[HeldEvent]:
    with platform_scope("held events"):
        rows = HeldEvent.objects.filter(pk__gt=after).order_by("pk")
        return list((rows.filter(dead=True) if dead else rows).defer("envelope")[:most])


def _held(row: HeldEvent) -> dict[str, Any]:
    return {
        "event_id": str(row.event_id),
        "target": row.target,
        "subject": str(row.subject_id),
        "status": "dead" if row.dead else "failing" if row.attempts else "waiting",
        "attempts": row.attempts,
        "last_error": row.error,
        "created_at": clock.rfc3339(row.created_at),
    }
