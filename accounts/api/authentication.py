"""Who calls, and whether they may: the access token, then the database."""

from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import queries, tokens
from accounts.models import User
from aurix import standing
from aurix.actor import Actor
from aurix.api.permissions import actor_of
from aurix.errors import Forbidden, Unauthorized

if TYPE_CHECKING:  # DRF imports this module while it imports its own views
    from rest_framework.views import APIView


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>`` becomes an ``Actor``, without a look at the database."""

    def authenticate(self, request: Request) -> tuple[Actor, None] | None:
        """The actor; None without the header. Raises: Unauthorized, TokenExpired."""
        header: str = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized
        return tokens.verify(token=token.strip(" ")), None

    def authenticate_header(self, request: Request) -> str:
        """What a 401 names in ``WWW-Authenticate``."""
        return "Bearer"


class BackOfficeSessionAuthentication(SessionAuthentication):
    """Someone signed in to the back-office, who looks at the API in a browser. Django's session and CSRF rules hold."""

    def authenticate(self, request: Request) -> tuple[Actor, None] | None:
        """The actor, without a session of ours; None when nobody is signed in."""
        user = getattr(request._request, "user", None)  # noqa: SLF001  as DRF's own class does
        if not isinstance(user, User) or not user.is_staff:
            return None
        self.enforce_csrf(request)
        return Actor(tenant_id=user.tenant_id, user_id=user.id, session_id=None, role="admin"), None


class InGoodStanding(BasePermission):
    """The default of all views: a valid access token whose session, account and tenant are open right now.

    A view with ``administration = True`` is open to the platform's admins of a deactivated tenant too.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raises: Unauthorized, TokenRevoked, AccountDisabled, TenantInactive."""
        administering = getattr(view, "administration", False)
        standing.check(queries.standing(actor_of(request), administering=administering))
        return True


class PlatformAdmin(BasePermission):
    """Only the platform's admins, by the role that they have now, and in good standing."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raises: Forbidden, and what ``InGoodStanding`` raises."""
        if queries.role_in_good_standing(actor_of(request)) != "admin":
            raise Forbidden
        return True
