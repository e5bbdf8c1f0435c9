"""Insights over HTTP, and the ETL for the platform's admins."""

from datetime import date
from uuid import UUID

import orjson
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock
from aurix.api import cursors
from aurix.api.permissions import SignedIn, actor_of
from aurix.api.ratelimits import Limit
from aurix.api.renderers import JSONRenderer
from aurix.api.schema import errors
from aurix.api.views import ApiViewSet
from insights import cache, queries, tasks
from insights.actions import runs
from insights.api import serializers

_DEFAULT, _HIGH = 10, 50


class InsightViewSet(ApiViewSet):
    """How the signed-in customer trades."""

    permission_classes = (SignedIn,)
    rate_limits = {"list": Limit("insights")}

    @extend_schema(
        responses={200: serializers.InsightsOutput, **errors(400, 401, 403, 429)},
        parameters=[
            *cursors.parameters(default=_DEFAULT, high=_HIGH),
            OpenApiParameter("frequency", enum=list(queries.FREQUENCIES), description="only these; both without it"),
        ],
    )
    def list(self, request: Request) -> Response:
        """Newest first: days and weeks in which gold was traded or held, as of the last look at the ledger."""
        frequency = serializers.read_frequency(request)
        limit = cursors.read_limit(request, default=_DEFAULT, high=_HIGH)
        cursor = cursors.single(request, "cursor")
        actor = actor_of(request)

        def fetch(after: cursors.Position | None, most: int) -> list[queries.Insight]:
            before = (date.fromisoformat(str(after[0])), str(after[1])) if after else queries.NEWEST
            return queries.insights(
                tenant_id=actor.tenant_id, user_id=actor.user_id, frequency=frequency, before=before, most=most
            )

        def make() -> bytes:
            page = cursors.page(
                request,
                name="insights",
                scope=f"{actor.tenant_id}/{actor.user_id}",
                filters={"frequency": frequency},
                default=_DEFAULT,
                high=_HIGH,
                fetch=fetch,
                position=lambda insight: [insight.period_start.isoformat(), insight.frequency],
                render=serializers.insight,
            )
            return JSONRenderer().render(page)

        generation = queries.generation(actor)
        of: list[object] = [generation, str(actor.tenant_id), str(actor.user_id), frequency, limit, cursor]
        return Response(orjson.Fragment(cache.page(of=of, make=make)))


class EtlViewSet(ApiViewSet):
    """The ETL, for the platform's admins."""

    administration = True

    @extend_schema(
        request=serializers.NothingInput, responses={200: serializers.TriggeredOutput, **errors(400, 401, 403)}
    )
    def trigger(self, request: Request) -> Response:
        """Bring all snapshots up to date, in the background."""
        serializers.read_nothing(request)
        run_id = runs.start_as(by=actor_of(request), now=clock.now())
        tasks.announce(run_id)
        return Response({"status": "triggered", "run_id": str(run_id)})

    @extend_schema(responses={200: serializers.RunOutput, **errors(401, 403, 404)})
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """How a run goes, or went."""
        return Response(serializers.run(queries.run_as(by=actor_of(request), run_id=pk)))
