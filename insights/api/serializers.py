"""Output of the calls about insights and ETL runs."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

import orjson
from rest_framework import serializers
from rest_framework.request import Request

from aurix import clock
from aurix.api import cursors
from aurix.api.serializers import StrictSerializer, read
from aurix.errors import BadRequest
from insights import advice
from insights.queries import FREQUENCIES, Insight, RunView
from insights.signals import Signals

SignalsOutput = type(
    "SignalsOutput",
    (serializers.Serializer,),
    {
        name: serializers.IntegerField() if field.type is int else serializers.FloatField()
        for name, field in Signals.__dataclass_fields__.items()
    },
)
"""Numbers: analytics, not money."""


class InsightOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    frequency = serializers.ChoiceField(FREQUENCIES)
    period_start = serializers.DateField()
    period_end = serializers.DateField(help_text="its last day")
    generated_at = serializers.DateTimeField()
    signals = SignalsOutput()
    insights = serializers.ListField(child=serializers.CharField())


class InsightsOutput(serializers.Serializer[Any]):
    items = InsightOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class NothingInput(StrictSerializer):
    """No fields, or no body at all."""


class TriggeredOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["triggered"])
    run_id = serializers.UUIDField()


class CountsOutput(serializers.Serializer[Any]):
    tenants = serializers.IntegerField()
    tenants_done = serializers.IntegerField()
    wallets = serializers.IntegerField(help_text="that had moved")
    entries = serializers.IntegerField(help_text="of the ledger, new ones")
    snapshots = serializers.IntegerField(help_text="written or removed")

    class Meta:
        ref_name = "EtlCounts"


class RunOutput(serializers.Serializer[Any]):
    run_id = serializers.UUIDField()
    status = serializers.ChoiceField(["queued", "running", "succeeded", "failed"])
    trigger = serializers.ChoiceField(["schedule", "api", "command"])
    counts = CountsOutput()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.FloatField(allow_null=True)
    error = serializers.CharField(allow_null=True)

    class Meta:
        ref_name = "EtlRun"


def number(value: Decimal | int) -> orjson.Fragment:
    """A JSON number with the digits that the value has: 5.25 and 1, without a float on the way."""
    return orjson.Fragment(advice.plain(value))


def insight(view: Insight) -> dict[str, Any]:
    """An item of ``GET /insights``."""
    return {
        "id": str(view.id),
        "frequency": view.frequency,
        "period_start": view.period_start.isoformat(),
        "period_end": view.period_end.isoformat(),
        "generated_at": clock.rfc3339(view.generated_at),
        "signals": {name: number(value) for name, value in asdict(view.signals).items()},
        "insights": view.sentences,
    }


def run(view: RunView) -> dict[str, Any]:
    """``GET /admin/etl/runs/{run_id}``."""
    return {
        "run_id": str(view.id),
        "status": view.status,
        "trigger": view.trigger,
        "counts": view.counts,
        "created_at": clock.rfc3339(view.created_at),
        "started_at": clock.rfc3339(view.started_at) if view.started_at else None,
        "finished_at": clock.rfc3339(view.finished_at) if view.finished_at else None,
        "duration_seconds": view.duration_seconds,
        "error": view.error,
    }


def read_frequency(request: Request) -> str | None:
    """The query parameter ``frequency``; None for both. Raises: BadRequest."""
    frequency = cursors.single(request, "frequency")
    if frequency is not None and frequency not in FREQUENCIES:
        reason = f"must be one of {', '.join(FREQUENCIES)}"
        raise BadRequest(f"frequency {reason}.", details={"fields": {"frequency": reason}})
    return frequency


def read_nothing(request: Request) -> None:
    """Raises: BadRequest for a body that says something."""
    read(NothingInput, request=request)
