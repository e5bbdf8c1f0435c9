"""The view that every API view is: one order of checks, the same for all calls."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotAuthenticated
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from aurix.actor import Actor
from aurix.api import ratelimits
from aurix.api.errors import MethodNotAllowed
from aurix.api.renderers import Negotiation, dump
from aurix.errors import Forbidden

_NEGOTIATION = Negotiation()


@functools.cache
def _parsers(view: type["ApiViewSet"]) -> list[BaseParser]:
    return [parser() for parser in view.parser_classes]


def from_a_program(request: HttpRequest) -> bool:
    """Whether this is certainly no person with a browser: JSON is welcome, and there are no cookies."""
    accept = request.META.get("HTTP_ACCEPT", "")
    plain = accept in {"", "*/*"} or (accept.startswith("application/json") and ";" not in accept)
    return plain and not request.META.get("HTTP_COOKIE")


class ApiViewSet(GenericViewSet[Any]):
    """A call: parse, one action or query, render. Names its rate limits by action: ``{"buy": Limit("buy")}``.

    The checks come in this order: method, Accept, access token, permissions, rate limit. A rate limit that looks into
    the body counts unreadable bodies too, before they are refused.

    A program, which wants JSON and has no cookies, is answered without DRF's negotiation and rendering: they take as
    long as all the rest of a read (docs/performance.md). A person's browser gets DRF's whole dispatch.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    metadata_class = None
    rate_limits: ClassVar[dict[str, ratelimits.Limit]] = {}

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        """As DRF's, with the shorter way for programs."""
        whole: Any = super().as_view(actions, **initkwargs)
        handlers = {**actions, "head": actions["get"]} if "get" in actions else dict(actions)

        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not from_a_program(request):
                answer: HttpResponseBase = whole(request, *args, **kwargs)
                return answer
            self = cls(**initkwargs)
            self.action_map, self.args, self.kwargs, self.format_kwarg = handlers, args, kwargs, None
            self.action = handlers.get((request.method or "").lower())  # type: ignore[assignment]  # None, as DRF has it
            return self._answer(request)

        return functools.update_wrapper(view, whole)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        self.request = call = Request(request, parsers=_parsers(type(self)), negotiator=_NEGOTIATION)
        self.headers = {}
        try:
            self._check(call)
            handler: Callable[..., HttpResponseBase] = getattr(self, self.action)
            answer = handler(call, *self.args, **self.kwargs)
        except Exception as problem:  # noqa: BLE001  the one handler tells refusals from defects, and raises those
            answer = self.handle_exception(problem)
        if isinstance(answer, Response):
            answer.content = dump(answer.data)
            answer.headers["Vary"] = "Accept"
            if answer.data is None:
                del answer.headers["Content-Type"]
            else:
                answer.headers["Content-Type"] = "application/json"
        return answer

    def _check(self, call: Request) -> None:
        """What ``initial`` does, but for negotiation."""
        self._check_method()
        self._authenticate(call)
        for permission in self.get_permissions():
            if not permission.has_permission(call, self):
                raise Forbidden if call.user else NotAuthenticated
        self.check_throttles(call)

    def _authenticate(self, call: Request) -> None:
        for authenticator in self.authentication_classes:
            if found := authenticator().authenticate(call):
                call.user = found[0]
                self._name(found[0])
                return
        call.user = None  # type: ignore[assignment]  # UNAUTHENTICATED_USER

    def _allowed_methods(self) -> list[str]:
        return [method.upper() for method in self.http_method_names if method in self.action_map]

    def _check_method(self) -> None:
        if not self.action:
            refusal = MethodNotAllowed()
            refusal.headers["Allow"] = ", ".join(self.allowed_methods)
            raise refusal

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """DRF's checks, with the method first: who may not call learns nothing from what a method would say."""
        self._check_method()
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, and have every log line of this request say who it is."""
        self._name(request.user)

    @staticmethod
    def _name(actor: object) -> None:
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
