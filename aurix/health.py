"""``GET /health``: whether this process can serve, for load balancers. Needs no token and tells nothing of anybody.

Each component is asked in a thread of its own, which all requests share: whatever hangs, an answer comes within two
seconds, and however long it hangs, it holds one thread.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import redis
import structlog
from django.conf import settings
from django.db import connections
from drf_spectacular.utils import OpenApiParameter, extend_schema
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aurix import clock, operations
from aurix.api.schema import errors
from aurix.api.views import ApiViewSet

logger = structlog.get_logger(__name__)

_PATIENCE = 1.0
"""Seconds until a component that has not answered counts as down."""


class Probe:
    """Asks one component; whoever asks while a question is open waits for the same answer."""

    def __init__(self, *, name: str, ask: Callable[[], None]) -> None:
        self._name, self._ask = name, ask
        self._lock = threading.Lock()
        self._open: _Question | None = None

    def start(self) -> "_Question":
        """The open question, asked now if there is none."""
        with self._lock:
            if self._open is None:
                self._open = _Question()
                threading.Thread(target=self._run, args=[self._open], name=f"health-{self._name}", daemon=True).start()
            return self._open

    def _run(self, question: "_Question") -> None:
        try:
            self._ask()
            question.up = True
        except Exception as problem:  # noqa: BLE001  whatever it is, the component is down
            logger.warning("component_down", component=self._name, problem=str(problem))
        finally:
            with self._lock:
                self._open = None
            question.answered.set()


class _Question:
    def __init__(self) -> None:
        self.answered = threading.Event()
        self.up = False


def ask_database() -> None:
    """Connect anew, as the application does: its own connections may be busy. Raises: psycopg.Error."""
    database = connections.create_connection("default")
    options = {key: value for key, value in database.get_connection_params().items() if key != "context"}
    options |= {"connect_timeout": 2, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}
    with psycopg.connect(**options) as connection:
        connection.execute("SELECT 1")


def ask_redis() -> None:
    """Raises: redis.RedisError."""
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)
    ) as client:
        client.ping()


_PROBES = {"database": Probe(name="database", ask=ask_database), "redis": Probe(name="redis", ask=ask_redis)}


def components() -> dict[str, str]:
    """``up`` or ``down`` for each component."""
    deadline = time.monotonic() + _PATIENCE
    questions = {name: probe.start() for name, probe in _PROBES.items()}
    states = {"api": "up"}
    for name, question in questions.items():
        answered = question.answered.wait(max(0.0, deadline - time.monotonic()))
        states[name] = "up" if answered and question.up else "down"
    return states


class _ComponentsOutput(serializers.Serializer[Any]):
    api = serializers.CharField(help_text="up")
    database = serializers.CharField(help_text="up or down")
    redis = serializers.CharField(help_text="up or down")

    class Meta:
        ref_name = "Components"


class HealthOutput(serializers.Serializer[Any]):
    """What is up and what is down."""

    status = serializers.ChoiceField(["healthy", "degraded"])
    components = _ComponentsOutput()
    timestamp = serializers.DateTimeField()
    queue = serializers.DictField(required=False, help_text="verbose: tasks that wait for a worker")
    jobs = serializers.ListField(required=False, help_text="verbose: how background jobs have ended")
    relay = serializers.ListField(required=False, help_text="verbose: how far each event target is")


class HealthViewSet(ApiViewSet):
    """Whether this process can serve."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        responses={200: HealthOutput, 503: HealthOutput, **errors(401, 403)},
        parameters=[OpenApiParameter("verbose", enum=["1"], description="queue, jobs and relay too; for admins")],
    )
    def retrieve(self, request: Request) -> Response:
        """`healthy`, or 503 `degraded` naming what is down. `verbose=1` adds queue, jobs and relay, for admins."""
        states = components()
        more = operations.details(request) if request.query_params.get("verbose") == "1" else {}
        healthy = set(states.values()) == {"up"}
        return Response(
            {
                "status": "healthy" if healthy else "degraded",
                "components": states,
                "timestamp": clock.rfc3339(clock.now()),
                **more,
            },
            status=200 if healthy else 503,
            headers={"Cache-Control": "no-store"},
        )
