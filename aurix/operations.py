"""What operators want to know of the work behind the scenes: for ``/health?verbose=1`` and ``/metrics``.

All of it is asked of the database and the broker when somebody looks, so it is right however many processes there are.
"""

import hmac
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.request import Request
from rest_framework.settings import api_settings

from aurix import clock, jobs, standing
from aurix.actor import Actor
from aurix.api import errors
from aurix.errors import Forbidden, Refusal, Unauthorized
from aurix.relay import status
from aurix.tenancy import platform_scope
from aurix.webhooks import status as webhooks

QUEUE = "celery"
"""The broker's one list of tasks that wait for a worker."""


@dataclass(frozen=True, slots=True)
class State:
    """Tasks that wait (None: the broker does not answer), how jobs ended, how far relay and webhooks are behind."""

    queued: int | None
    jobs: list[jobs.Outcome]
    relay: list[status.Status]
    webhooks: webhooks.Status


def state() -> State:
    """Look."""
    with platform_scope("operations"):
        ended = jobs.outcomes()
    return State(_queued(), ended, status.status(), webhooks.status())


def _queued() -> int | None:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as broker:
            return int(broker.llen(QUEUE))
    except redis.RedisError:
        return None


def require_admin(request: Request) -> None:
    """Pass for the platform's admins in good standing, by their access token. Raises: Unauthorized, Forbidden, ..."""
    kinds: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    found = (kind().authenticate(request) for kind in kinds)
    actor = next((pair[0] for pair in found if pair), None)
    if not isinstance(actor, Actor):
        raise Unauthorized
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT standing, role FROM actor_access(%s, %s, %s)", [actor.tenant_id, actor.user_id, actor.session_id]
        )
        found_state, role = cursor.fetchone()
    standing.check(standing.in_administration(state=found_state, role=role or ""))
    if role != "admin":
        raise Forbidden


def details(request: Request) -> dict[str, Any]:
    """What ``/health?verbose=1`` adds, for admins. Raises: what ``require_admin`` raises."""
    try:
        require_admin(request)
        seen = state()
    finally:
        connections["default"].close()  # health is answered in threads that keep none
    return {
        "queue": {"waiting": seen.queued},
        "jobs": [
            {
                "name": job.name,
                "succeeded": job.succeeded,
                "failed": job.failed,
                "last_success_at": _time(job.last_success_at),
                "last_failure_at": _time(job.last_failure_at),
                "last_error": job.last_error,
            }
            for job in seen.jobs
        ],
        "relay": [
            {
                "target": target.target,
                "published": target.published,
                "waiting": target.waiting,
                "lag_seconds": round(target.lag_seconds, 3),
                "held": target.held,
                "dead": target.dead,
            }
            for target in seen.relay
        ],
        "webhooks": {**asdict(seen.webhooks), "lag_seconds": round(seen.webhooks.lag_seconds, 3)},
    }


def _time(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """``GET /metrics`` in Prometheus' text format, for whoever bears ``METRICS_TOKEN``; without that setting 404."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    refusal: Refusal | None = None
    if not settings.METRICS_TOKEN:
        return errors.page_not_found(request, Exception())
    if not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        refusal = Unauthorized()
        return errors.render(refusal)
    registry = CollectorRegistry()
    registry.register(_Collector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Collector:
    def collect(self) -> Any:
        """Prometheus' client calls this."""
        seen = state()
        if seen.queued is not None:
            yield GaugeMetricFamily("aurix_queue_waiting", "Tasks that wait for a worker", value=seen.queued)
        runs = CounterMetricFamily("aurix_job_runs", "Ended runs of background jobs", labels=["job", "outcome"])
        last = GaugeMetricFamily("aurix_job_last_success_seconds", "Unix time of the last success", labels=["job"])
        for job in seen.jobs:
            runs.add_metric([job.name, "succeeded"], job.succeeded)
            runs.add_metric([job.name, "failed"], job.failed)
            if job.last_success_at:
                last.add_metric([job.name], job.last_success_at.timestamp())
        yield from (runs, last)
        for name, help_text in (
            ("waiting", "Events that have not left for the target"),
            ("lag_seconds", "Age of the oldest of them"),
            ("held", "Events held back, dead ones included"),
            ("dead", "Dead letters"),
        ):
            gauge = GaugeMetricFamily(f"aurix_relay_{name}", help_text, labels=["target"])
            for target in seen.relay:
                gauge.add_metric([target.target], getattr(target, name))
            yield gauge
        published = CounterMetricFamily("aurix_relay_published", "Events that have left", labels=["target"])
        for target in seen.relay:
            published.add_metric([target.target], target.published)
        yield published
        for name, help_text in (
            ("endpoints", "Endpoints that tenants have set up"),
            ("disabled", "Those that failed for too long"),
            ("waiting", "Deliveries that have not arrived"),
            ("failing", "Those that have been tried"),
            ("dead", "Those that were given up"),
            ("lag_seconds", "Age of the oldest delivery that has not arrived"),
        ):
            yield GaugeMetricFamily(f"aurix_webhooks_{name}", help_text, value=getattr(seen.webhooks, name))
