"""The root of every refusal that a client may see. Apps subclass it; one handler renders all of them."""

from typing import Any, ClassVar


class Refusal(Exception):  # noqa: N818  a refusal is an answer, not a defect
    """A request that cannot be granted, with the contract's code, HTTP status and a message for a person.

    ``details`` holds JSON values only. ``headers`` are added to the answer.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    message: ClassVar[str] = "The request cannot be understood."

    def __init__(self, message: str = "", *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message or self.message)
        self.text = message or self.message
        self.details = details or {}
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """The contract's error object, whole."""
        return {"error": {"code": self.code, "message": self.text, "details": self.details}}


class BadRequest(Refusal):
    """The input's shape is wrong; ``details.fields`` names what and why."""


class Unauthorized(Refusal):
    status = 401
    code = "unauthorized"
    message = "A valid access token is required."

    def __init__(self, message: str = "", *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message, details=details)
        self.headers["WWW-Authenticate"] = "Bearer"


class TokenExpired(Unauthorized):
    code = "token_expired"
    message = "The token has expired."


class TokenRevoked(Unauthorized):
    code = "token_revoked"
    message = "The session of this token has ended."


class AccountDisabled(Refusal):
    status = 403
    code = "account_disabled"
    message = "This account is closed."


class TenantInactive(Refusal):
    status = 403
    code = "tenant_inactive"
    message = "This organisation is not active."


class Forbidden(Refusal):
    status = 403
    code = "forbidden"
    message = "You are not allowed to do this."


class NotFound(Refusal):
    status = 404
    code = "not_found"
    message = "There is nothing here."


class ServiceUnavailable(Refusal):
    status = 503
    code = "service_unavailable"
    message = "The service cannot answer right now. Please try again."


class IdempotencyKeyReused(Refusal):
    status = 422
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for a different request."
