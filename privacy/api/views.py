"""Privacy over HTTP."""

from uuid import UUID

import orjson
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries as accounts
from aurix import clock
from aurix.actor import Actor
from aurix.api.permissions import actor_of
from aurix.api.ratelimits import Limit
from aurix.api.schema import errors
from aurix.api.views import ApiViewSet
from privacy import archive, queries, records, tasks
from privacy.actions import exports
from privacy.api import serializers
from privacy.errors import NotReady
from privacy.models import Export
from wallet import queries as wallet
from wallet.api import serializers as wallet_serializers
from wallet.entries import Entry

MOST = 1000
"""Transactions that fit into one answer; above that the export is a file."""

PRIVATE = {"Cache-Control": "no-store"}


class ExportViewSet(ApiViewSet):
    """Everything that is known of the signed-in person, for that person only."""

    rate_limits = {"create": Limit("export"), "download": Limit("export")}

    @extend_schema(
        responses={
            200: serializers.WholeExportOutput,
            202: serializers.PreparingOutput,
            **errors(401, 403, 404, 429),
        }
    )
    def create(self, request: Request) -> Response:
        """All data at once. With more than 1,000 transactions it is a file, and `status_url` tells when it is ready."""
        actor = actor_of(request)
        found = wallet.entries(actor, most=MOST + 1)
        if len(found) <= MOST:
            return Response(_whole(actor, found), headers=PRIVATE)
        export = exports.start(by=actor, now=clock.now())
        tasks.announce(export.tenant_id, export.id)
        return Response(serializers.preparing(export), status=202, headers=PRIVATE)

    @extend_schema(responses={200: serializers.ExportOutput, **errors(401, 403, 404)})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """How far an export is."""
        return Response(serializers.export(queries.export(actor_of(request), export_id=pk)), headers=PRIVATE)

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY, **errors(401, 403, 404, 409, 429)})
    def download(self, request: Request, pk: UUID) -> FileResponse:
        """The file: each table as JSON and CSV, in a ZIP. `409 export_not_ready` before it is there, and after."""
        export = queries.export(actor_of(request), export_id=pk)
        if export.status != Export.Status.READY or export.expires_at <= clock.now():
            raise NotReady
        try:
            file = archive.path_of(export.id).open("rb")
        except FileNotFoundError as problem:
            raise NotReady from problem  # revoked just now
        answer = FileResponse(file, content_type="application/zip", as_attachment=True, filename="aurix-export.zip")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @extend_schema(responses={204: None, **errors(401, 403, 404)})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Take the file away before its time."""
        exports.revoke(by=actor_of(request), export_id=pk, now=clock.now())
        return Response(status=204)


def _whole(actor: Actor, found: list[Entry]) -> dict[str, object]:
    profile = accounts.profile(actor)
    return {
        "user": {"id": str(actor.user_id), "email": profile.email, "created_at": clock.rfc3339(profile.created_at)},
        "wallet": wallet_serializers.wallet(wallet.wallet_of(actor), tenant_id=actor.tenant_id, user_id=actor.user_id),
        "transactions": [wallet_serializers.transaction(entry) for entry in found],
        **queries.sections(actor),
        "records": orjson.Fragment(archive.plain(records.all_of(records.Person(actor.tenant_id, actor.user_id)))),
        "exported_at": clock.rfc3339(clock.now()),
    }
