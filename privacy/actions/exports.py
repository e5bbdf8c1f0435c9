"""Making a person's export, handing it out, and taking it away again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from aurix import audit
from aurix.actor import Actor
from aurix.tenancy import platform_scope, tenant_scope
from privacy import archive, locks, queries
from privacy.models import Export
from privacy.records import Person

Status = Export.Status


def start(*, by: Actor, now: datetime) -> Export:
    """Ask for an export of everything, or meet the one that is being made already."""
    with tenant_scope(by.tenant_id):
        locks.person(tenant_id=by.tenant_id, user_id=by.user_id)
        running = queries.exports_of(by).filter(status=Status.PREPARING).first()
        if running:
            return running
        export = Export(tenant_id=by.tenant_id, user_id=by.user_id, created_at=now, expires_at=_expiry(now))
        export.save(force_insert=True)
        _audit("export.requested", export, by=by.user_id, now=now)
        return export


def make(*, tenant_id: UUID, export_id: UUID, clock: Callable[[], datetime]) -> bool:
    """Write the file of an export; whether there was something to do. Done twice at once, the last file stays: each is
    whole."""
    with tenant_scope(tenant_id):
        export = Export.objects.filter(tenant_id=tenant_id, id=export_id, status=Status.PREPARING).first()
    if export is None:
        return False

    def progress(entries: int) -> None:
        with tenant_scope(tenant_id):
            Export.objects.filter(tenant_id=tenant_id, id=export_id).update(entries=entries)

    person = Person(tenant_id, export.user_id)
    archive.write(person=person, export_id=export_id, progress=progress)
    return _finish(tenant_id, export_id, now=clock())


def _finish(tenant_id: UUID, export_id: UUID, *, now: datetime) -> bool:
    """The file is there; if nobody wants it any more, it goes again."""
    with tenant_scope(tenant_id):
        export = locks.export(tenant_id=tenant_id, export_id=export_id)
        if wanted := export.status == Status.PREPARING:
            export.status, export.finished_at, export.expires_at = Status.READY, now, _expiry(now)
            export.save(update_fields=["status", "finished_at", "expires_at"])
            _audit("export.ready", export, by=None, now=now)
        gone = export.status != Status.READY
    if gone:
        archive.remove(export_id)
    return wanted


def revoke(*, by: Actor, export_id: UUID, now: datetime) -> None:
    """Take the file away before its time; once more changes nothing. Raises: NotFound."""
    queries.export(by, export_id=export_id)
    with tenant_scope(by.tenant_id):
        export = locks.export(tenant_id=by.tenant_id, export_id=export_id)
        if export.status in {Status.PREPARING, Status.READY}:
            export.status, export.revoked_at = Status.REVOKED, now
            export.save(update_fields=["status", "revoked_at"])
            _audit("export.revoked", export, by=by.user_id, now=now)
    archive.remove(export_id)


def revoke_all(*, tenant_id: UUID, user_id: UUID, by: UUID | None, now: datetime) -> int:
    """Take away every file of a person whose account is closed; how many."""
    with tenant_scope(tenant_id):
        alive = Export.objects.filter(tenant_id=tenant_id, user_id=user_id, status__in=[Status.PREPARING, Status.READY])
        found = list(alive)
        alive.filter(id__in=[export.id for export in found]).update(status=Status.REVOKED, revoked_at=now)
        for export in found:
            _audit("export.revoked", export, by=by, now=now)
    for export in found:
        archive.remove(export.id)
    return len(found)


def expire(*, now: datetime) -> int:
    """Remove every file whose time is up; how many."""
    with platform_scope("expire exports"):
        due = Export.objects.filter(status__in=[Status.PREPARING, Status.READY], expires_at__lte=now)
        ids = list(due.values_list("id", flat=True))
        due.filter(id__in=ids).update(status=Status.EXPIRED)
    for export_id in ids:
        archive.remove(export_id)
    return len(ids)


def unfinished() -> list[tuple[UUID, UUID]]:
    """Tenant and id of the exports that are still to be made: also what a lost message or a killed worker has left."""
    with platform_scope("find unfinished exports"):
        return list(Export.objects.filter(status=Status.PREPARING).values_list("tenant_id", "id"))


def _expiry(now: datetime) -> datetime:
    return now + timedelta(hours=settings.EXPORT_LIFETIME_HOURS)


def _audit(action: str, export: Export, *, by: UUID | None, now: datetime) -> None:
    audit.record(action=action, subject_id=export.id, tenant_id=export.tenant_id, by=by, now=now)
