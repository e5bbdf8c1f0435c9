"""Accounts over HTTP: parse, one action, render."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import passwords, registration, sessions
from accounts.api import serializers
from aurix import clock
from aurix.api.permissions import actor_of
from aurix.api.ratelimits import Limit
from aurix.api.schema import errors
from aurix.api.serializers import read
from aurix.api.views import ApiViewSet
from tenants import queries as tenants

SECRETS = {"Cache-Control": "no-store"}
"""Answers with tokens are for their receiver only (RFC 6749, section 5.1)."""


def _tenant_of(code: str) -> UUID | None:
    tenant = tenants.by_code(code)
    return tenant.id if tenant else None


class SignInViewSet(ApiViewSet):
    """The ways in: they need no access token, and look at none."""

    authentication_classes = ()
    permission_classes = ()
    rate_limits: ClassVar = {"register": Limit("register", _tenant_of), "login": Limit("login", _tenant_of)}

    @extend_schema(
        request=serializers.RegistrationInput,
        responses={201: serializers.RegistrationOutput, **errors(400, 403, 409, 429)},
    )
    def register(self, request: Request) -> Response:
        """Open an account with its wallet, and log in."""
        made = registration.register(**read(serializers.RegistrationInput, request=request), now=clock.now())
        return Response(serializers.registration(made), status=201, headers=SECRETS)

    @extend_schema(
        request=serializers.LoginInput,
        responses={
            200: serializers.TokensOutput,
            **errors(400, 401, 403, 429),
            409: OpenApiResponse(serializers.TenantSelectionOutput, "The password fits in several tenants"),
        },
    )
    def login(self, request: Request) -> Response:
        """Log in; without `tenant_code` wherever the password fits."""
        given = {"tenant_code": None, **read(serializers.LoginInput, request=request)}
        return Response(serializers.tokens(sessions.login(**given, now=clock.now())), headers=SECRETS)

    @extend_schema(
        request=serializers.RefreshTokenInput, responses={200: serializers.TokensOutput, **errors(400, 401, 403)}
    )
    def refresh(self, request: Request) -> Response:
        """Exchange the refresh token for new tokens. One that was used before ends its whole session."""
        given = read(serializers.RefreshTokenInput, request=request)
        return Response(serializers.tokens(sessions.refresh(**given, now=clock.now())), headers=SECRETS)


class AccountViewSet(ApiViewSet):
    """What a signed-in person does about their own account."""

    rate_limits: ClassVar = {"change_password": Limit("change_password")}

    @extend_schema(request=serializers.RefreshTokenInput, responses={204: None, **errors(400, 401, 403)})
    def logout(self, request: Request) -> Response:
        """End the session; its tokens stop working at once."""
        sessions.logout(by=actor_of(request), **read(serializers.RefreshTokenInput, request=request), now=clock.now())
        return Response(status=204)

    @extend_schema(request=serializers.PasswordChangeInput, responses={204: None, **errors(400, 401, 403, 429)})
    def change_password(self, request: Request) -> Response:
        """Set a new password; every session ends at once, this one too."""
        given = read(serializers.PasswordChangeInput, request=request)
        passwords.change(by=actor_of(request), **given, now=clock.now())
        return Response(status=204)
