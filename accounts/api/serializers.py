"""Input and output of the calls about accounts.

What is no string is ``bad_request`` here; what is a string but no email, password or tenant is judged by the actions,
which have codes for it.
"""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.actions.registration import Registration
from accounts.tokens import Tokens
from aurix.api.serializers import StrictChar, StrictSerializer
from aurix.clock import rfc3339


def _text(help_text: str, *, required: bool = True) -> StrictChar:
    return StrictChar(allow_blank=True, max_length=settings.MAX_BODY_BYTES, required=required, help_text=help_text)


class RegistrationInput(StrictSerializer):
    tenant_code = _text("such as aurix-demo")
    email = _text("compared without regard to case, returned as typed")
    password = _text("10 to 128 characters, one upper, one lower, one digit")


class LoginInput(StrictSerializer):
    email = _text("as registered, in any case")
    password = _text("as registered")
    tenant_code = _text("needed only where the password fits in several tenants", required=False)


class RefreshTokenInput(StrictSerializer):
    refresh_token = _text("as the last login or refresh answered it")


class PasswordChangeInput(StrictSerializer):
    current_password = _text("the one that is valid now")
    new_password = _text("10 to 128 characters, one upper, one lower, one digit")


class TokensOutput(serializers.Serializer[Any]):
    access_token = serializers.CharField(help_text="JWT")
    refresh_token = serializers.CharField(help_text="opaque; good for one refresh")
    token_type = serializers.ChoiceField(["Bearer"])
    expires_in = serializers.IntegerField(help_text="seconds of the access token")


class RegistrationOutput(TokensOutput):
    user_id = serializers.UUIDField()
    email = serializers.CharField()
    tenant_id = serializers.UUIDField()
    wallet_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()


class _TenantChoice(serializers.Serializer[Any]):
    tenant_code = serializers.CharField()


class TenantSelectionOutput(serializers.Serializer[Any]):
    """An error, with the tenants in which the password fits beside it."""

    error = serializers.DictField(help_text="`code` is `tenant_selection_required`")
    tenants = _TenantChoice(many=True)


def tokens(issued: Tokens) -> dict[str, Any]:
    """``TokensOutput``."""
    return {
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    }


def registration(made: Registration) -> dict[str, Any]:
    """``RegistrationOutput``."""
    return {
        "user_id": str(made.user_id),
        "email": made.email,
        "tenant_id": str(made.tenant_id),
        "wallet_id": str(made.wallet_id),
        "created_at": rfc3339(made.created_at),
        **tokens(made.tokens),
    }
