"""Input and output of the calls about webhooks."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from aurix import clock
from aurix.api.serializers import StrictChar, StrictSerializer, StrictUUID, read
from aurix.errors import BadRequest
from aurix.webhooks import addresses, replays
from aurix.webhooks.endpoints import EndpointView
from aurix.webhooks.letters import DeliveryView

_MOST_TYPES = 50


@extend_schema_field({"type": "array", "items": {"type": "string"}, "maxItems": _MOST_TYPES})
class TypesField(serializers.Field[list[str], Any, list[str], Any]):
    """A list of event types; an empty one means all."""

    default_error_messages = {
        "required": "is required",
        "null": "must not be null",
        "invalid": f"must be a list of at most {_MOST_TYPES} types such as org.aurix.wallet.buy or org.aurix.wallet.*",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or len(data) > _MOST_TYPES:
            self.fail("invalid")
        for kind in data:
            if not isinstance(kind, str) or len(kind) > 80 or not replays.known(kind):
                self.fail("invalid")
        return list(dict.fromkeys(data))

    def to_representation(self, value: list[str]) -> list[str]:
        return value


@extend_schema_field(OpenApiTypes.URI)
class UrlField(StrictChar):
    """A URL that we would post to."""

    default_error_messages = {"url": "{reason}"}

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            addresses.check_url(url)
        except addresses.AddressError as problem:
            self.fail("url", reason=str(problem))
        return url


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(StrictChar):
    """A time with an offset."""

    default_error_messages = {"moment": "must be a time with an offset, such as 2026-04-02T10:05:00Z"}

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or moment.year < 2000:
            self.fail("moment")
        return moment


class WebhookInput(StrictSerializer):
    url = UrlField(max_length=2048, help_text="https, at a public address")
    types = TypesField(required=False, help_text="event types that are wanted; none: all")


class WebhookChangeInput(StrictSerializer):
    url = UrlField(max_length=2048, required=False, help_text="https, at a public address")
    types = TypesField(required=False, help_text="event types that are wanted; none: all")


class ReplayInput(StrictSerializer):
    """Exactly one of them."""

    vars()["from"] = MomentField(max_length=40, required=False, help_text="everything written since then")
    event_id = StrictUUID(required=False, help_text="this one event")


class WebhookOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    types = TypesField()
    status = serializers.ChoiceField(["enabled", "disabled"])
    failures = serializers.IntegerField(help_text="rounds in a row in which nothing arrived")
    last_success_at = serializers.DateTimeField(allow_null=True)
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class WebhookCreatedOutput(WebhookOutput):
    secret = serializers.CharField(help_text="shown this once")


class WebhooksOutput(serializers.Serializer[Any]):
    items = WebhookOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SecretOutput(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="shown this once")
    previous_valid_until = serializers.DateTimeField()


class QueuedOutput(serializers.Serializer[Any]):
    status = serializers.CharField()
    event_id = serializers.UUIDField(required=False)


class DeliveryOutput(serializers.Serializer[Any]):
    event_id = serializers.UUIDField()
    subject = serializers.UUIDField()
    type = serializers.CharField()
    status = serializers.ChoiceField(["pending", "failing", "dead", "delivered"])
    attempts = serializers.IntegerField()
    last_status = serializers.IntegerField(allow_null=True, help_text="HTTP's, of the last attempt")
    last_error = serializers.CharField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class DeliveriesOutput(serializers.Serializer[Any]):
    items = DeliveryOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def endpoint(view: EndpointView) -> dict[str, Any]:
    """An item of ``GET /admin/tenants/{id}/webhooks``."""
    return {
        "id": str(view.id),
        "url": view.url,
        "types": view.types,
        "status": "disabled" if view.disabled_at else "enabled",
        "failures": view.failures,
        "last_success_at": _time(view.succeeded_at),
        "disabled_at": _time(view.disabled_at),
        "disabled_reason": view.disabled_reason,
        "created_at": clock.rfc3339(view.created_at),
    }


def delivery(view: DeliveryView) -> dict[str, Any]:
    """An item of ``GET /admin/tenants/{id}/webhooks/{endpoint_id}/deliveries``."""
    return {
        "event_id": str(view.event_id),
        "subject": str(view.subject_id),
        "type": view.type,
        "status": view.state,
        "attempts": view.attempts,
        "last_status": view.status,
        "last_error": view.error,
        "next_attempt_at": clock.rfc3339(view.retry_at) if view.state in {"pending", "failing"} else None,
        "delivered_at": _time(view.delivered_at),
        "created_at": clock.rfc3339(view.created_at),
    }


def read_replay(request: Request) -> dict[str, Any]:
    """``from`` or ``event_id``. Raises: BadRequest."""
    values = read(ReplayInput, request=request)
    if len(values) != 1:
        raise BadRequest("Give exactly one of from and event_id.")
    return values


def _time(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None
