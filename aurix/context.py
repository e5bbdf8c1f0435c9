"""What belongs to the request being served: bound once by the middleware, read by logs, audit and ledger."""

import structlog


def request_id() -> str:
    """The id of the request being served; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
