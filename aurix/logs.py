"""Log lines: one JSON object each, on standard output, for our own code and for every library.

Every line carries ``request_id``, ``tenant_id`` and ``user_id`` when they are known. Whatever is named like a secret
is masked, and so are email addresses, tokens and passwords in URLs wherever they occur, tracebacks included.
"""

import logging
import logging.config
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET = re.compile(r"password|passwd|token|authorization|secret|cookie|credential|api_?key|otp", re.IGNORECASE)
_NOT_SECRET = frozenset({"token_type", "token_use"})
# Each starts where a word does and nowhere else, or hostile text would make them slow.
_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)*)")
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]+@")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*")
_MASK = "***"
_ACCESS = "aurix.access"


def configure(config: Mapping[str, Any]) -> None:
    """Django's ``LOGGING_CONFIG``: set up all logging. ``config["level"]`` is the least that is written."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    # No line says its thread, process or task, so nobody needs to look them up for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,  # without local variables: they hold people's data
                        mask,
                        structlog.processors.JSONRenderer(serializer=_dumps),
                    ],
                }
            },
            "filters": {"tracebacks": {"()": _Tracebacks}},
            "handlers": {
                "stdout": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "json"},
                "access": {"class": "logging.StreamHandler", "stream": sys.stdout},  # its lines come as JSON
            },
            "root": {"handlers": ["stdout"], "level": config["level"]},
            "loggers": {
                _ACCESS: {"handlers": ["access"], "propagate": False},
                **{name: _rewired(name, level) for name, level in _LIBRARIES.items()},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def access(*, method: str, path: str, status: int, duration_ms: float) -> None:
    """The one line of a request: what ``structlog.get_logger(...).info("request", ...)`` would write, in a third of
    the time, which with a line for each request is worth it (docs/performance.md).
    """
    logger = logging.getLogger(_ACCESS)
    if not logger.isEnabledFor(logging.INFO):
        return
    event: EventDict = {
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": duration_ms,
        "event": "request",
        **structlog.contextvars.get_contextvars(),
        "logger": _ACCESS,
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    logger.handle(logging.LogRecord(_ACCESS, logging.INFO, "", 0, _dumps(mask(logger, "info", event)), None, None))


_LIBRARIES: dict[str, str] = {
    "django": "NOTSET",
    # One line for each request is ours. Django's own repeat it, but for a traceback.
    "django.request": "ERROR",
    "django.server": "CRITICAL",  # with query strings
    "django.security.DisallowedHost": "CRITICAL",  # anybody can cause them
    "granian.access": "CRITICAL",  # with query strings
}


def _rewired(name: str, level: str) -> dict[str, Any]:
    filters = ["tracebacks"] if name == "django.request" else []
    return {"handlers": [], "filters": filters, "level": level, "propagate": True}


class _Tracebacks(logging.Filter):
    """Lets through what has a traceback to show."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


def mask(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: the event without secrets and without anybody's full email address."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: Any) -> Any:
    if _SECRET.search(name) and name not in _NOT_SECRET:
        return _MASK
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {key: _masked(str(key), below) for key, below in value.items()}
    if isinstance(value, list | tuple | set):
        return [_masked("", below) for below in value]
    return value


def _masked_text(text: str) -> str:
    if "@" in text:
        text = _EMAIL.sub(rf"\1{_MASK}@\2", _URL_PASSWORD.sub(rf"\1:{_MASK}@", text))
    return _JWT.sub(_MASK, text) if "eyJ" in text else text


def _dumps(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode("utf-8")
