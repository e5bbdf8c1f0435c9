"""Why a person is not let in, or not registered; codes and statuses are the contract's."""

from collections.abc import Iterable
from typing import Any

from aurix.errors import Refusal, Unauthorized


class InvalidTenant(Refusal):
    code = "invalid_tenant"
    message = "There is no such organisation."


class InvalidEmail(Refusal):
    code = "invalid_email"
    message = "This is not a valid email address."


class InvalidPassword(Refusal):
    """The password breaks the rule; ``details.failed`` names which parts of it."""

    code = "invalid_password"
    message = "The password breaks the rule."


class PasswordUnchanged(Refusal):
    code = "password_unchanged"
    message = "The new password is the current one."


class EmailTaken(Refusal):
    status = 409
    code = "email_taken"
    message = "There is an account with this email address."


class InvalidCredentials(Unauthorized):
    code = "invalid_credentials"
    message = "The email address or the password is wrong."


class TenantSelectionRequired(Refusal):
    """The password fits in several tenants; the answer lists them beside the error."""

    status = 409
    code = "tenant_selection_required"
    message = "Multiple tenants found. Please select one."

    def __init__(self, *, codes: Iterable[str]) -> None:
        super().__init__()
        self.codes = sorted(codes)

    def body(self) -> dict[str, Any]:
        """The error object, and beside it the tenants to choose from, by code."""
        return {**super().body(), "tenants": [{"tenant_code": code} for code in self.codes]}
