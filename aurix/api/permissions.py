"""Who may call at all. The default, ``accounts.api.authentication.InGoodStanding``, asks the database."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from aurix.actor import Actor
from aurix.errors import Unauthorized

if TYPE_CHECKING:  # DRF imports this module while it imports its own views
    from rest_framework.views import APIView


class SignedIn(BasePermission):
    """A valid access token. Only for views whose own query checks the actor's standing, which saves a round trip."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, Actor)


def actor_of(request: Request) -> Actor:
    """Who calls. Raises: Unauthorized when nobody says."""
    actor: object = request.user
    if not isinstance(actor, Actor):
        raise Unauthorized
    return actor
