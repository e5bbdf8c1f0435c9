"""Reads of exports and policies."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from aurix import tenancy
from aurix.actor import Actor
from aurix.errors import NotFound
from privacy.models import Export, Policy


def exports_of(actor: Actor) -> QuerySet[Export]:
    """The actor's exports; inside the tenant's scope."""
    return Export.objects.filter(tenant_id=actor.tenant_id, user_id=actor.user_id)


def export(actor: Actor, *, export_id: UUID) -> Export:
    """One of the actor's own. Raises: NotFound."""
    with tenancy.tenant_scope(actor.tenant_id):
        row = exports_of(actor).filter(id=export_id).first()
    if row is None:
        raise NotFound
    return row


def sections(actor: Actor) -> dict[str, Any]:
    """What apps beside this one add to an export that fits into an answer (``EXPORT_SECTIONS``)."""
    return {
        name: import_string(path)(tenant_id=actor.tenant_id, user_id=actor.user_id)
        for name, path in (settings.EXPORT_SECTIONS.items())
    }


def policy(tenant_id: UUID) -> Policy:
    """What the tenant has decided, or the defaults."""
    with tenancy.tenant_scope(tenant_id):
        return policy_row(tenant_id)


def policy_row(tenant_id: UUID) -> Policy:
    """The same inside a tenant's scope."""
    return Policy.objects.filter(tenant_id=tenant_id).first() or Policy(tenant_id=tenant_id)
