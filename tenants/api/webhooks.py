"""A tenant's webhooks over HTTP, for the platform's admins and the tenant's own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock
from aurix.api import cursors
from aurix.api.permissions import Staff, actor_of
from aurix.api.schema import errors
from aurix.api.serializers import read
from aurix.api.views import ApiViewSet
from aurix.errors import BadRequest, NotFound
from aurix.webhooks import endpoints, letters, replays
from tenants import queries
from tenants.api import webhook_serializers as serializers

_ITEM = errors(401, 403, 404)
_WRITE = errors(400, 401, 403, 404)
_STATE = OpenApiParameter("status", OpenApiTypes.STR, enum=[*letters.STATES])


class _TenantViewSet(ApiViewSet):
    administration = True
    tenant_in_path = True

    def get_permissions(self) -> list[Any]:
        """The default, then the role."""
        return [*super().get_permissions(), Staff()]


class WebhookViewSet(_TenantViewSet):
    """Where a tenant's events are posted to."""

    @extend_schema(
        responses={200: serializers.WebhooksOutput, **_WRITE}, parameters=cursors.parameters(default=20, high=100)
    )
    def list(self, request: Request, pk: UUID) -> Response:
        """All of the tenant's, oldest first."""
        by = actor_of(request)
        page = cursors.page(
            request,
            name="webhooks",
            scope=f"{by.tenant_id}/{by.user_id}",
            filters={"tenant": str(pk)},
            default=20,
            high=100,
            fetch=lambda after, most: endpoints.of_tenant(
                by=by, tenant_id=pk, after=str(after[0]) if after else "", most=most
            ),
            position=lambda view: [str(view.id)],
            render=serializers.endpoint,
        )
        return Response(page)

    @extend_schema(request=serializers.WebhookInput, responses={201: serializers.WebhookCreatedOutput, **_WRITE})
    def create(self, request: Request, pk: UUID) -> Response:
        """A new one, for what happens from now on. Its secret is shown this once."""
        values = read(serializers.WebhookInput, request=request)
        if queries.by_id(pk) is None:
            raise NotFound
        view, secret = endpoints.create(
            by=actor_of(request), tenant_id=pk, url=values["url"], types=values.get("types", []), now=clock.now()
        )
        return Response({**serializers.endpoint(view), "secret": secret}, status=201)

    @extend_schema(request=serializers.WebhookChangeInput, responses={200: serializers.WebhookOutput, **_WRITE})
    def partial_update(self, request: Request, pk: UUID, endpoint_id: UUID) -> Response:
        """Another URL, or other types."""
        values = read(serializers.WebhookChangeInput, request=request)
        view = endpoints.change(
            by=actor_of(request), tenant_id=pk, endpoint_id=endpoint_id, given=values, now=clock.now()
        )
        return Response(serializers.endpoint(view))

    @extend_schema(request=None, responses={204: None, **_ITEM})
    def destroy(self, request: Request, pk: UUID, endpoint_id: UUID) -> Response:
        """Remove it, with all that waits for it."""
        endpoints.remove(by=actor_of(request), tenant_id=pk, endpoint_id=endpoint_id, now=clock.now())
        return Response(status=204)

    @extend_schema(request=None, responses={200: serializers.SecretOutput, **_ITEM})
    def rotate_secret(self, request: Request, pk: UUID, endpoint_id: UUID) -> Response:
        """A new secret, shown this once. For a while events are signed with the old one as well."""
        secret, until = endpoints.rotate_secret(
            by=actor_of(request), tenant_id=pk, endpoint_id=endpoint_id, now=clock.now()
        )
        return Response({"secret": secret, "previous_valid_until": clock.rfc3339(until)})

    @extend_schema(request=None, responses={200: serializers.WebhookOutput, **_ITEM})
    def enable(self, request: Request, pk: UUID, endpoint_id: UUID) -> Response:
        """Post to it again at once; what waits for it leaves in order."""
        view = endpoints.enable(by=actor_of(request), tenant_id=pk, endpoint_id=endpoint_id, now=clock.now())
        return Response(serializers.endpoint(view))

    @extend_schema(request=serializers.ReplayInput, responses={200: serializers.QueuedOutput, **_WRITE})
    def replay(self, request: Request, pk: UUID, endpoint_id: UUID) -> Response:
        """Send one event again, or everything since a time, as far as it is retained."""
        values, by, now = serializers.read_replay(request), actor_of(request), clock.now()
        if "event_id" in values:
            replays.one(by=by, tenant_id=pk, endpoint_id=endpoint_id, event_id=values["event_id"], now=now)
        else:
            replays.since(by=by, tenant_id=pk, endpoint_id=endpoint_id, moment=values["from"], now=now)
        return Response({"status": "queued"})

    @extend_schema(request=None, responses={200: serializers.QueuedOutput, **_ITEM})
    def test(self, request: Request, pk: UUID, endpoint_id: UUID) -> Response:
        """Send it an `org.aurix.webhook.test`; the deliveries tell what became of it."""
        event_id = endpoints.test(by=actor_of(request), tenant_id=pk, endpoint_id=endpoint_id, now=clock.now())
        return Response({"status": "queued", "event_id": str(event_id)})


class DeliveryViewSet(_TenantViewSet):
    """What is on its way to an endpoint, and what has arrived."""

    @extend_schema(
        responses={200: serializers.DeliveriesOutput, **_WRITE},
        parameters=[*cursors.parameters(default=20, high=100), _STATE],
    )
    def list(self, request: Request, pk: UUID, endpoint_id: UUID) -> Response:
        """Newest first; kept as long as events are."""
        by, state = actor_of(request), cursors.single(request, "status") or ""
        if state and state not in letters.STATES:
            raise BadRequest(
                "status is unknown.", details={"fields": {"status": f"one of {', '.join(letters.STATES)}"}}
            )
        page = cursors.page(
            request,
            name="deliveries",
            scope=f"{by.tenant_id}/{by.user_id}",
            filters={"endpoint": str(endpoint_id), "status": state},
            default=20,
            high=100,
            fetch=lambda after, most: letters.of_endpoint(
                by=by, tenant_id=pk, endpoint_id=endpoint_id, state=state, after=_place(after), most=most
            ),
            position=lambda view: [view.created_at.isoformat(), str(view.id)],
            render=serializers.delivery,
        )
        return Response(page)

    @extend_schema(request=None, responses={200: serializers.QueuedOutput, **_ITEM})
    def requeue(self, request: Request, pk: UUID, endpoint_id: UUID, event_id: UUID) -> Response:
        """Try a failing or dead event again at once."""
        return self._decide(request, letters.requeue, "queued", pk, endpoint_id, event_id)

    @extend_schema(request=None, responses={200: serializers.QueuedOutput, **_ITEM})
    def discard(self, request: Request, pk: UUID, endpoint_id: UUID, event_id: UUID) -> Response:
        """Give a failing or dead event up for good; what waits behind it leaves."""
        return self._decide(request, letters.discard, "discarded", pk, endpoint_id, event_id)

    def _decide(
        self, request: Request, verb: Any, status: str, pk: UUID, endpoint_id: UUID, event_id: UUID
    ) -> Response:
        by = actor_of(request)
        if not verb(by=by, tenant_id=pk, endpoint_id=endpoint_id, event_id=event_id, now=clock.now()):
            raise NotFound
        return Response({"status": status, "event_id": str(event_id)})


def _place(after: cursors.Position | None) -> tuple[datetime, UUID] | None:
    return (datetime.fromisoformat(str(after[0])), UUID(str(after[1]))) if after else None
