"""Who acts: the identity that an access token names, without any claim that it is still welcome."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Role = Literal["user", "tenant_admin", "admin"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A user of a tenant in a session.

    ``role`` is what the token said; whatever changes something looks the role up again. ``session_id`` is None for
    a person signed in to the back-office, whose standing Django's own session carries.
    """

    tenant_id: UUID
    user_id: UUID
    session_id: UUID | None
    role: Role

    is_authenticated = True  # what DRF's permissions ask

    @property
    def pk(self) -> UUID:
        """What DRF's throttles ask for."""
        return self.user_id
