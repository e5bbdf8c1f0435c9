"""What an export of a person's data says about insights; ``EXPORT_SECTIONS`` names it."""

from typing import Any
from uuid import UUID

from insights import queries
from insights.api import serializers

_STEP = 200


def of_user(*, tenant_id: UUID, user_id: UUID) -> list[dict[str, Any]]:
    """Every insight of a customer as ``GET /insights`` has it, newest first."""
    found: list[dict[str, Any]] = []
    before = queries.NEWEST
    while page := queries.insights(tenant_id=tenant_id, user_id=user_id, before=before, most=_STEP):
        found += [serializers.insight(insight) for insight in page]
        before = page[-1].place
    return found
