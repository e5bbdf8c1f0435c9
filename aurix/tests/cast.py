"""The cast of the tests, and the client through which they act."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.test import Client

from accounts.models import User
from aurix.tenancy import platform_scope
from tenants.queries import TenantView

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer  # an HttpResponse with json()

PASSWORD = "Correct-Horse-42"


class Api:
    """A JSON client: in process, through the whole WSGI stack, with an optional bearer token."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self._client = Client(raise_request_exception=False)

    def get(self, path: str, **headers: str) -> "Answer":
        """GET, query string in ``path``."""
        return self._call("GET", path, None, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> "Answer":
        """POST ``body`` as JSON; bytes go as they are."""
        return self._call("POST", path, {} if body is None else body, headers)

    def put(self, path: str, body: Any, **headers: str) -> "Answer":
        """PUT ``body`` as JSON."""
        return self._call("PUT", path, body, headers)

    def patch(self, path: str, body: Any, **headers: str) -> "Answer":
        """PATCH ``body`` as JSON."""
        return self._call("PATCH", path, body, headers)

    def delete(self, path: str, **headers: str) -> "Answer":
        """DELETE."""
        return self._call("DELETE", path, None, headers)

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> "Answer":
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = sent.pop("Content-Type", "application/json")
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is None:
            return self._client.generic(method, path, headers=sent)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._client.generic(method, path, data=data, content_type=content_type, headers=sent)


@dataclass
class Person(Api):
    """Someone who has registered, with what the answer said."""

    email: str
    tenant: TenantView
    user_id: UUID
    wallet_id: UUID
    tokens: dict[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        super().__init__(self.tokens["access_token"])

    def buy(self, key: str = "", **order: Any) -> "Answer":
        """``POST /wallet/buy`` under a key, a new one by default."""
        return self.post("/wallet/buy", order, Idempotency_Key=key or str(uuid4()))

    def sell(self, key: str = "", **order: Any) -> "Answer":
        """``POST /wallet/sell`` under a key, a new one by default."""
        return self.post("/wallet/sell", order, Idempotency_Key=key or str(uuid4()))


def person(name: str, tenant: TenantView, *, role: str = "user") -> Person:
    """Register someone through the API; a ``role`` other than user is given in the database, before the login."""
    email = f"{name}-{uuid4().hex[:8]}@Example.com"
    body = {"tenant_code": tenant.code, "email": email, "password": PASSWORD}
    answer = Api().post("/auth/register", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    if role != "user":
        with platform_scope("give a role"):
            User.objects.filter(id=made["user_id"]).update(role=role)
        made |= Api().post("/auth/login", body).json()
    return Person(email, tenant, UUID(made["user_id"]), UUID(made["wallet_id"]), made)
