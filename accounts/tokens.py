"""Access tokens (JWT, 15 minutes) and refresh tokens (opaque, 7 days).

``verify`` runs before every trade: one HMAC, no database, no user model. Whether the bearer is still welcome is asked
later, inside the query that serves the request.

A refresh token is 64 characters of base64url: the tenant's id (16 bytes), then 256 random bits. The tenant is in it so
that the call that brings nothing else can look it up inside that tenant's row-level security: the most exposed call
of all needs no right to see across tenants. A forged tenant id finds no hash there.
"""

import functools
import hashlib
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast, get_args
from uuid import UUID, uuid4

from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend

from aurix.actor import Actor, Role
from aurix.errors import TokenExpired, Unauthorized

_ROLES = get_args(Role)
_REFRESH = re.compile(r"[A-Za-z0-9_-]{64}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login answers. ``expires_in`` counts the access token's seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


def issue(*, actor: Actor, now: datetime) -> str:
    """An access token for ``actor``, whose session must not be None."""
    issued = int(now.timestamp())
    claims = {
        "sub": str(actor.user_id),
        "tenant_id": str(actor.tenant_id),
        "role": actor.role,
        "sid": str(actor.session_id),
        "jti": uuid4().hex,
        "iat": issued,
        "exp": issued + access_seconds(),
    }
    return token_backend.encode(claims)


def decode(*, token: str) -> dict[str, Any]:
    """The claims of an access token that we signed and that has not expired. Raises: Unauthorized, TokenExpired."""
    try:
        return token_backend.decode(token)  # type: ignore[arg-type]  # SimpleJWT annotates its own class, takes text
    except TokenBackendExpiredToken as problem:
        raise TokenExpired from problem
    except TokenBackendError as problem:
        raise Unauthorized from problem


def actor(*, claims: dict[str, Any]) -> Actor:
    """Who decoded ``claims`` name. Raises: Unauthorized when one is missing or malformed."""
    kinds = {name: type(claims.get(name)) for name in ("iat", "exp", "jti")}
    if kinds != {"iat": int, "exp": int, "jti": str} or not claims["jti"]:
        raise Unauthorized
    return Actor(
        tenant_id=_identifier(claims, "tenant_id"),
        user_id=_identifier(claims, "sub"),
        session_id=_identifier(claims, "sid"),
        role=_role(claims),
    )


def verify(*, token: str) -> Actor:
    """Who bears ``token``; whether that person is still welcome is another question.

    Raises: Unauthorized, TokenExpired.
    """
    bearer, expires = _verified(token)
    if expires <= time.time():
        raise TokenExpired
    return bearer


@functools.lru_cache(maxsize=10_000)
def _verified(token: str) -> tuple[Actor, int]:
    """Who a token names, and its expiry in unix seconds. A token that was right once stays right until it expires.

    Only good tokens are kept: what raises is not.
    """
    claims = decode(token=token)
    return actor(claims=claims), claims["exp"]


def new_refresh_token(*, tenant_id: UUID) -> str:
    """A fresh refresh token of a session in a tenant."""
    return urlsafe_b64encode(tenant_id.bytes + secrets.token_bytes(32)).decode("ascii")


def tenant_of(*, refresh_token: str) -> UUID:
    """The tenant that a refresh token claims to be from. Raises: Unauthorized when it is none of ours."""
    if not _REFRESH.fullmatch(refresh_token):
        raise Unauthorized("This refresh token is not valid.")
    return UUID(bytes=urlsafe_b64decode(refresh_token)[:16])


def digest(*, refresh_token: str) -> bytes:
    """What is stored of a refresh token. A plain SHA-256 is enough: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(refresh_token.encode("ascii")).digest()


def access_seconds() -> int:
    """How long an access token lives."""
    lifetime: timedelta = api_settings.ACCESS_TOKEN_LIFETIME
    return int(lifetime.total_seconds())


def refresh_lifetime() -> timedelta:
    """How long a refresh token lives."""
    lifetime: timedelta = settings.REFRESH_TOKEN_LIFETIME
    return lifetime


def _role(claims: dict[str, Any]) -> Role:
    if claims.get("role") not in _ROLES:
        raise Unauthorized
    return cast("Role", claims["role"])


def _identifier(claims: dict[str, Any], name: str) -> UUID:
    value = claims.get(name)
    if not isinstance(value, str):
        raise Unauthorized
    try:
        return UUID(value)
    except ValueError as problem:
        raise Unauthorized from problem
