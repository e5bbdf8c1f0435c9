"""Output of the calls about privacy."""

from typing import Any

from rest_framework import serializers

from aurix.clock import rfc3339
from privacy.models import Export
from wallet.api.serializers import TransactionOutput, WalletOutput


class _UserOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.CharField()
    created_at = serializers.DateTimeField()

    class Meta:
        ref_name = "ExportedUser"


class WholeExportOutput(serializers.Serializer[Any]):
    user = _UserOutput()
    wallet = WalletOutput()
    transactions = TransactionOutput(many=True)
    insights = serializers.ListField(child=serializers.DictField(), help_text="as `GET /insights` has them")
    records = serializers.DictField(
        child=serializers.ListField(child=serializers.DictField()), help_text="every row about you, by table"
    )
    exported_at = serializers.DateTimeField()


class PreparingOutput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["preparing"])
    export_id = serializers.UUIDField()
    status_url = serializers.CharField()


class ExportOutput(serializers.Serializer[Any]):
    export_id = serializers.UUIDField()
    status = serializers.ChoiceField(["preparing", "ready", "expired", "revoked"])
    entries = serializers.IntegerField(help_text="rows written so far")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    download_url = serializers.CharField(allow_null=True, help_text="once it is ready; needs your access token")


def status_url(export: Export) -> str:
    """Where the export's progress is told."""
    return f"/privacy/exports/{export.id}"


def preparing(export: Export) -> dict[str, Any]:
    """``PreparingOutput``."""
    return {"status": "preparing", "export_id": str(export.id), "status_url": status_url(export)}


def export(row: Export) -> dict[str, Any]:
    """``ExportOutput``."""
    ready = row.status == Export.Status.READY
    return {
        "export_id": str(row.id),
        "status": row.status,
        "entries": row.entries,
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
        "download_url": f"{status_url(row)}/download" if ready else None,
    }
