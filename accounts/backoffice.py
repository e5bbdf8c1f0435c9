"""The back-office site: Django's admin, for which row-level security has to be told that it looks at all tenants."""

from collections.abc import Callable
from typing import Any, NoReturn

from django.contrib.admin import AdminSite
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from rest_framework.request import Request

from aurix.api import ratelimits
from aurix.tenancy import platform_scope

View = Callable[..., HttpResponseBase]
_GUESSES = ratelimits.Limit("login", tenant_of=lambda _code: None)


class BackOffice(AdminSite):
    """Views for people whom the admin has let in see every tenant; verbs keep the transactions of their actions."""

    site_header = site_title = "Aurix back-office"

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # type: ignore[override]  # noqa: FBT001, FBT002  Django's signature
        """Wrap ``view``, inside the admin's own check of who may enter."""

        def scoped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with connection.execute_wrapper(_across_tenants):
                response = view(request, *args, **kwargs)
                # Templates read rows as well.
                return response.render() if isinstance(response, TemplateResponse) else response

        return super().admin_view(scoped, cacheable)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's form; guesses count together with those at the API that name no tenant."""
        if request.method == "POST":
            try:
                ratelimits.enforce(request=_without_body(request), limit=_GUESSES)
            except ratelimits.RateLimited as refusal:
                return HttpResponse(refusal.text, status=refusal.status, headers=refusal.headers)
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> NoReturn:
        """Not here: a change of password ends sessions, which Django's form does not know."""
        raise Http404


def _without_body(request: HttpRequest) -> Request:
    """Where ``request`` comes from, for counting; what is in its form is Django's to read."""
    bare = HttpRequest()
    bare.method = request.method
    bare.META = {**request.META, "CONTENT_LENGTH": "0", "CONTENT_TYPE": ""}
    return Request(bare)


def _across_tenants(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001  Django's signature
    """Run a statement that is its own transaction in the platform's scope.

    Statement by statement, because an action that a page calls opens the outermost transaction itself; what runs
    inside one has the scope that it chose, and without any sees no rows.
    """
    if connection.in_atomic_block:
        return execute(sql, params, many, context)
    with platform_scope("back-office"):
        return execute(sql, params, many, context)
