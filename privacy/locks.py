"""The rows that privacy's verbs lock."""

from uuid import UUID

from django.db import connection

from aurix.errors import NotFound
from privacy.models import ErasureRequest, Export

_ONE_EACH = 7_235_110_061


def person(*, tenant_id: UUID, user_id: UUID) -> None:
    """Let one transaction at a time see to a person's requests."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [f"{tenant_id}/{user_id}", _ONE_EACH])


def export(*, tenant_id: UUID, export_id: UUID) -> Export:
    """An export, locked. Raises: NotFound."""
    row = Export.objects.select_for_update(of=("self",)).filter(tenant_id=tenant_id, id=export_id).first()
    if row is None:
        raise NotFound
    return row


def erasure(*, tenant_id: UUID, request_id: UUID) -> ErasureRequest:
    """A request for erasure, locked. Raises: NotFound."""
    row = ErasureRequest.objects.select_for_update(of=("self",)).filter(tenant_id=tenant_id, id=request_id).first()
    if row is None:
        raise NotFound
    return row
