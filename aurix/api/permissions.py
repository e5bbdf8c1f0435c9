"""Who may call at all. The default, ``accounts.api.authentication.InGoodStanding``, asks the database."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from aurix import standing, tenancy
from aurix.actor import Actor
from aurix.errors import Unauthorized

if TYPE_CHECKING:  # DRF imports this module while it imports its own views
    from rest_framework.views import APIView


class SignedIn(BasePermission):
    """A valid access token. Only for views whose own query checks the actor's standing, which saves a round trip."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, Actor)


class Staff(BasePermission):
    """For the platform's admins and the tenants' own. In a view whose ``tenant_in_path`` is set the path's id is the
    tenant's, and another tenant does not exist for its staff. Asked before the body is read; the action asks again.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raises: Forbidden, NotFound."""
        actor = actor_of(request)
        with tenancy.tenant_scope(actor.tenant_id):
            if getattr(view, "tenant_in_path", False):
                standing.require_admin_of(actor=actor, tenant_id=view.kwargs["pk"])
            else:
                standing.role_of_staff(actor=actor)
        return True


class PlatformAdmin(BasePermission):
    """For the platform's admins. Asked before the body is read."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raises: Forbidden."""
        actor = actor_of(request)
        with tenancy.tenant_scope(actor.tenant_id):
            standing.require_platform_admin(actor=actor)
        return True


def actor_of(request: Request) -> Actor:
    """Who calls. Raises: Unauthorized when nobody says."""
    actor: object = request.user
    if not isinstance(actor, Actor):
        raise Unauthorized
    return actor
