"""Tenants over HTTP, for the platform's admins and, where it is their own, a tenant's."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock
from aurix.api import cursors
from aurix.api.permissions import actor_of
from aurix.api.schema import errors
from aurix.api.views import ApiViewSet
from tenants import queries
from tenants.actions import settlement, tenants, terms
from tenants.api import serializers
from tenants.models import Tenant


class TenantViewSet(ApiViewSet):
    """The organisations on the platform."""

    administration = True

    @extend_schema(
        responses={200: serializers.TenantsOutput, **errors(400, 401, 403)},
        parameters=cursors.parameters(default=20, high=100),
    )
    def list(self, request: Request) -> Response:
        """All tenants by their codes; a tenant's own admin sees the own one."""
        actor = actor_of(request)
        only = queries.visible_to(actor)
        page = cursors.page(
            request,
            name="tenants",
            scope=f"{actor.tenant_id}/{actor.user_id}",
            filters={},
            default=20,
            high=100,
            fetch=lambda after, most: queries.page(only=only, after=str(after[0]) if after else "", most=most),
            position=lambda tenant: [tenant.code],
            render=serializers.tenant,
        )
        return Response(page)

    @extend_schema(request=None, responses={200: serializers.StatusOutput, **errors(401, 403, 404)})
    def deactivate(self, request: Request, pk: UUID) -> Response:
        """Close a tenant: its users get `403 tenant_inactive` from now on, open tokens included."""
        return self._set_status(request, pk, Tenant.Status.DEACTIVATED)

    @extend_schema(request=None, responses={200: serializers.StatusOutput, **errors(401, 403, 404)})
    def activate(self, request: Request, pk: UUID) -> Response:
        """Open a tenant again."""
        return self._set_status(request, pk, Tenant.Status.ACTIVE)

    def _set_status(self, request: Request, pk: UUID, status: Tenant.Status) -> Response:
        view = tenants.set_status(by=actor_of(request), tenant_id=pk, status=status, now=clock.now())
        return Response({"status": view.status, "tenant_id": str(view.id)})

    @extend_schema(
        request=serializers.FeesInput, responses={200: serializers.StatusOutput, **errors(400, 401, 403, 404)}
    )
    def set_fees(self, request: Request, pk: UUID) -> Response:
        """Put new fees in force, for trades from now on."""
        fees = serializers.read_fees(request)
        terms.set_fees(by=actor_of(request), tenant_id=pk, fees=fees, now=clock.now())
        return Response({"status": "updated", "tenant_id": str(pk)})

    @extend_schema(
        request=serializers.SettlementAccountInput,
        responses={200: serializers.StatusOutput, **errors(400, 401, 403, 404)},
    )
    def set_settlement_account(self, request: Request, pk: UUID) -> Response:
        """Name the bank account that customers pay to and are paid from."""
        queries.check_administers(actor_of(request), tenant_id=pk)
        account = serializers.read_settlement_account(request)
        settlement.set_account(by=actor_of(request), tenant_id=pk, account=account, now=clock.now())
        return Response({"status": "updated", "tenant_id": str(pk)})
