"""The envelope: CloudEvents 1.0 in the JSON format, structured mode. ``docs/events/`` describes it for consumers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from django.conf import settings

from aurix import clock
from aurix.ids import uuid7

TYPE_PREFIX = "org.aurix."
CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_VERSION = 1
"""Of the data's schemas. They may gain fields under the same version; whatever breaks a reader needs the next one."""


@dataclass(frozen=True, slots=True)
class Event:
    """An outbox event as it leaves. ``data`` is the envelope."""

    id: UUID
    tenant_id: UUID
    subject_id: UUID
    sequence: int
    created_at: datetime
    data: bytes

    @property
    def type(self) -> str:
        """The type with its prefix, such as ``org.aurix.wallet.buy``."""
        return str(orjson.loads(self.data)["type"])


def dataschema(kind: str) -> str:
    """The schema of an outbox type's data, ``urn:aurix:events:wallet:v1`` for all of ``wallet.*``."""
    return f"urn:aurix:events:{kind.partition('.')[0]}:v{_VERSION}"


def event(
    identity: UUID, tenant_id: UUID, subject_id: UUID, sequence: int, kind: str, payload: str, created_at: datetime
) -> Event:
    """Wrap an outbox row, whose ``payload`` is JSON text."""
    envelope = {
        "specversion": "1.0",
        "id": identity,
        "source": settings.EVENT_SOURCE,
        "type": TYPE_PREFIX + kind,
        "subject": subject_id,
        "time": clock.rfc3339(created_at),
        "datacontenttype": "application/json",
        "dataschema": dataschema(kind),
        "tenantid": tenant_id,
        "sequence": f"{sequence:019}",  # the Sequence extension: strings that sort
        "data": orjson.Fragment(payload),
    }
    return Event(identity, tenant_id, subject_id, sequence, created_at, orjson.dumps(envelope))


def test(*, tenant_id: UUID, subject_id: UUID, kind: str, now: datetime) -> Event:
    """An event that tells of nothing and is in no outbox: for who wants to see whether one arrives."""
    return event(uuid7(), tenant_id, subject_id, 0, kind, "{}", now)
