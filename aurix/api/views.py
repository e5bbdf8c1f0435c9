"""The view that every API view is: one order of checks, the same for all calls."""

from typing import Any, ClassVar, NoReturn

import structlog
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from aurix.actor import Actor
from aurix.api import ratelimits
from aurix.api.errors import MethodNotAllowed


class ApiViewSet(GenericViewSet[Any]):
    """A call: parse, one action or query, render. Names its rate limits by action: ``{"buy": Limit("buy")}``.

    The checks come in this order: method, Accept, access token, permissions, rate limit. A rate limit that looks into
    the body counts unreadable bodies too, before they are refused.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    metadata_class = None
    rate_limits: ClassVar[dict[str, ratelimits.Limit]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """DRF's checks, with the method first: who may not call learns nothing from what a method would say."""
        if not self.action:
            refusal = MethodNotAllowed()
            refusal.headers["Allow"] = ", ".join(self.allowed_methods)
            raise refusal
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, and have every log line of this request say who it is."""
        actor: object = request.user
        if isinstance(actor, Actor):
            structlog.contextvars.bind_contextvars(tenant_id=str(actor.tenant_id), user_id=str(actor.user_id))

    def check_throttles(self, request: Request) -> None:
        """Count the call where it is limited. Raises: RateLimited, and whatever is wrong with the body."""
        limit = self.rate_limits.get(self.action)
        if limit is not None:
            ratelimits.enforce(request=request, limit=limit)

    def raise_uncaught_exception(self, exc: Exception) -> NoReturn:
        """DRF would look for a renderer here, which a request that failed early does not have."""
        raise exc
