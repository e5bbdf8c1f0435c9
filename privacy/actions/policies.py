"""What a tenant decides about requests for erasure."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from aurix import audit
from aurix.actor import Actor
from privacy import queries
from privacy.models import Policy
from wallet import staff


@dataclass(frozen=True, slots=True)
class Choice:
    """As in ``privacy.models.Policy``."""

    asks_password: bool
    refuses_balance: bool
    cooling_off_days: int


def set_policy(*, by: Actor, tenant_id: UUID, choice: Choice, now: datetime) -> None:
    """Put ``choice`` in force for requests from now on, as the tenant's staff. Raises: Forbidden, NotFound."""
    with staff.in_tenant(by=by, tenant_id=tenant_id, why="set a tenant's privacy policy"):
        before = queries.policy_row(tenant_id)
        Policy.objects.update_or_create(tenant_id=tenant_id, defaults=asdict(choice))
        audit.record(
            action="privacy_policy.set",
            subject_id=tenant_id,
            tenant_id=tenant_id,
            by=by.user_id,
            now=now,
            before={name: getattr(before, name) for name in Choice.__dataclass_fields__},
            after=asdict(choice),
        )
