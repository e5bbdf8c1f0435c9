"""All settings, from the environment; ``.env.example`` explains each variable.

Production mode (``AURIX_ENV=production``) refuses to start on anything that a development machine may have but a
bank may not: see ``_production_problems`` at the end.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from aurix import databases, env, secrets

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_dotenv(path=BASE_DIR / ".env")

AURIX_ENV = env.choice("AURIX_ENV", default="development", options=("development", "production"))
PRODUCTION = AURIX_ENV == "production"
DEBUG = env.flag("DEBUG", default=False)
DATA_DIR = Path(env.text("AURIX_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()


def _secret(name: str) -> str:
    value = env.text(name)
    if value or PRODUCTION:
        return value
    return secrets.kept(path=DATA_DIR / "secrets" / name.lower())


SECRET_KEY = _secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
JWT_SECRET = _secret("JWT_SECRET")


# --- Servers -------------------------------------------------------------------------------------------------------


def _embedded() -> dict[str, str]:
    """URLs of the servers that a running ``manage.py up`` has announced."""
    try:
        services: dict[str, str] = json.loads((DATA_DIR / "services.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return services


_services = {} if env.text("DATABASE_URL") else _embedded()
# Without servers the application can still be loaded (checks, OpenAPI): connecting then fails, naming this host.
_NOWHERE = "postgresql://set-DATABASE_URL-or-start-make-run.invalid/aurix"
DATABASE_URL = env.text("DATABASE_URL", default=_services.get("DATABASE_URL", _NOWHERE))
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL", default=_services.get("DATABASE_OWNER_URL", ""))
REDIS_URL = env.text("REDIS_URL", default=_services.get("REDIS_URL", "redis://127.0.0.1:6379/0"))

WEB_WORKERS = env.integer("WEB_WORKERS", default=2, low=1, high=256)
WEB_THREADS = env.integer("WEB_THREADS", default=2, low=1, high=256)
PORT = env.integer("PORT", default=8080, low=1, high=65535)
HOST = env.text("HOST", default="127.0.0.1")

DATABASES = databases.connections(url=DATABASE_URL, owner_url=DATABASE_OWNER_URL)
# Off behind a pooler that gives each transaction another connection, such as PgBouncer before 1.21.
DATABASE_PREPARED = env.flag("DATABASE_PREPARED", default=True)
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 0.25,  # a dead Redis must not slow trades down
            "SOCKET_TIMEOUT": 0.25,
        },
        "KEY_PREFIX": "aurix",
    },
    # Where login and register count while Redis is down. Room for many addresses, or a crowd would evict counters.
    "process": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "fallback",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}

# --- Django --------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "aurix.apps.AurixConfig",
    "tenants.apps.TenantsConfig",
    "wallet.apps.WalletConfig",
    "accounts.apps.AccountsConfig",
    "insights.apps.InsightsConfig",
    "privacy.apps.PrivacyConfig",
    "accounts.apps.BackOfficeConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
]
ROOT_URLCONF = "aurix.urls"
WSGI_APPLICATION = "aurix.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
APPEND_SLASH = False
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # serves the packages' own files; no collectstatic step to forget
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default="" if PRODUCTION else "*")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS")
CORS_EXPOSE_HEADERS = [
    "X-Request-Id",
    "Idempotency-Replayed",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "x-request-id", "accept"]

MIDDLEWARE = [
    "aurix.api.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Where no origin is named there is nothing to add to an answer.
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "aurix.api.middleware.HostMiddleware",
    "aurix.api.pages.Sessions",
    "django.middleware.csrf.CsrfViewMiddleware",
    "aurix.api.pages.Users",
    "aurix.api.pages.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

PASSWORD_HASHERS = ["accounts.hashers.Argon2idHasher"]
# OWASP's Password Storage Cheat Sheet: at least 19 MiB, 2 passes, 1 lane.
ARGON2_TIME_COST = env.integer("ARGON2_TIME_COST", default=2, low=1, high=100)
ARGON2_MEMORY_KIB = env.integer("ARGON2_MEMORY_KIB", default=19_456, low=64, high=4_194_304)
ARGON2_PARALLELISM = env.integer("ARGON2_PARALLELISM", default=1, low=1, high=64)
AUTHENTICATION_BACKENDS = ["accounts.backends.BackOfficeBackend"]
# An email is unique within a tenant, not over all; our backend handles that.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = ["^health$"]  # probes speak plain HTTP inside the cluster
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0, low=0, high=10**9)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("TRUST_FORWARDED_PROTO", default=False) else None
)
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- API -----------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerAuthentication",
        "accounts.api.authentication.BackOfficeSessionAuthentication",  # for a person who browses the API
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.authentication.InGoodStanding"],
    "DEFAULT_PARSER_CLASSES": ["aurix.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["aurix.api.renderers.JSONRenderer", "aurix.api.renderers.BrowsableRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "aurix.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "aurix.api.renderers.Negotiation",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SECRET,
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": None,  # refresh tokens are opaque, so every JWT is an access token
    "LEEWAY": 0,
}
REFRESH_TOKEN_LIFETIME = timedelta(days=7)
SPECTACULAR_SETTINGS = {
    "TITLE": "Aurix API",
    "DESCRIPTION": "Digital gold: register, hold euros and grams, buy and sell, and see every movement.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "DepositStatus": "wallet.models.Deposit.Status",
        "WithdrawalStatus": "wallet.models.Withdrawal.Status",
        "BankLineStatus": "wallet.models.BankLine.Status",
        "TransferStatus": "wallet.models.Transfer.Status",
        "ReversalStatus": "wallet.models.Reversal.Status",
        "UpdatedStatus": ["updated"],
        "WebhookStatus": ["enabled", "disabled"],
        "DeliveryStatus": ["pending", "failing", "dead", "delivered"],
        "HeldEventStatus": ["waiting", "failing", "dead"],
        "DecidedStatus": ["queued", "discarded"],
    },
}
MAX_BODY_BYTES = 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", default=0, low=0, high=10)
RATE_LIMITS = {
    name.lower(): env.rate(f"RATE_LIMIT_{name}", default=default)
    for name, default in (
        ("LOGIN", "10/m"),
        ("REGISTER", "5/m"),
        ("CHANGE_PASSWORD", "5/m"),
        ("BUY", "30/m"),
        ("SELL", "30/m"),
        ("QUOTES", "60/m"),
        ("WALLET", "60/m"),
        ("TRANSACTIONS", "60/m"),
        ("INSIGHTS", "60/m"),
        ("EXPORT", "5/m"),
        ("PAYMENTS", "60/m"),
        ("TRANSFERS", "60/m"),
    )
}

# --- Gold ----------------------------------------------------------------------------------------------------------

SEED_BALANCE_EUR_CENTS = env.integer(
    "SEED_BALANCE_EUR_CENTS", default=0 if PRODUCTION else 1_000_000, low=0, high=10**15
)
DEFAULT_GOLD_PRICE_EUR = env.decimal("DEFAULT_GOLD_PRICE_EUR", default="65.00", low="0.01", high="100000")
GOLD_PRICE_MIN_EUR = env.decimal("GOLD_PRICE_MIN_EUR", default="1", low="0.00000001", high="100000")
GOLD_PRICE_MAX_EUR = env.decimal("GOLD_PRICE_MAX_EUR", default="100000", low="1", high="100000")

WITHDRAWAL_APPROVAL_EUR_CENTS = env.integer("WITHDRAWAL_APPROVAL_EUR_CENTS", default=1_000_000, low=0, high=10**13)
TRANSFER_EXPIRY_HOURS = env.integer("TRANSFER_EXPIRY_HOURS", default=168, low=1, high=8760)

DEMO = {
    name: env.text(f"DEMO_{name}")
    for name in ("TENANT", "ADMIN_EMAIL", "ADMIN_PASSWORD", "USER_EMAIL", "USER_PASSWORD")
}

# --- Background work -----------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_BEAT_SCHEDULER = "aurix.schedules:KeepingScheduler"
CELERY_TIMEZONE = "UTC"

# --- Events --------------------------------------------------------------------------------------------------------

KAFKA_BOOTSTRAP_SERVERS = env.text("KAFKA_BOOTSTRAP_SERVERS")
KAFKA_OPTIONS = env.text("KAFKA_OPTIONS")
EVENT_TARGETS = env.words(
    "EVENT_TARGETS", default="redis,webhooks,kafka" if KAFKA_BOOTSTRAP_SERVERS else "redis,webhooks"
)
EVENT_SOURCE = env.text("EVENT_SOURCE", default="urn:aurix")
EVENT_REDIS_URL = env.text("EVENT_REDIS_URL", default=REDIS_URL)
EVENT_STREAM = env.text("EVENT_STREAM", default="aurix:events")
EVENT_STREAM_MAX_LENGTH = env.integer("EVENT_STREAM_MAX_LENGTH", default=1_000_000, low=1, high=10**12)
EVENT_TOPIC = env.text("EVENT_TOPIC", default="aurix.events")
EVENT_BATCH = env.integer("EVENT_BATCH", default=1000, low=1, high=10_000)
EVENT_POLL_MS = env.integer("EVENT_POLL_MS", default=100, low=10, high=10_000)
EVENT_IDLE_MS = env.integer("EVENT_IDLE_MS", default=2000, low=10, high=600_000)
EVENT_ATTEMPTS = env.integer("EVENT_ATTEMPTS", default=5, low=2, high=100)
EVENT_MAX_BYTES = env.integer("EVENT_MAX_BYTES", default=900_000, low=1_000, high=10**8)
EVENT_RETENTION_HOURS = env.integer("EVENT_RETENTION_HOURS", default=168, low=0, high=100_000)

WEBHOOK_ALLOW_HTTP = env.flag("WEBHOOK_ALLOW_HTTP", default=False)
WEBHOOK_NETWORKS = env.words("WEBHOOK_NETWORKS")
WEBHOOK_TIMEOUT_SECONDS = env.integer("WEBHOOK_TIMEOUT_SECONDS", default=15, low=1, high=120)
WEBHOOK_CONCURRENCY = env.integer("WEBHOOK_CONCURRENCY", default=8, low=1, high=100)
WEBHOOK_ATTEMPTS = env.integer("WEBHOOK_ATTEMPTS", default=12, low=2, high=100)
WEBHOOK_FAILURES = env.integer("WEBHOOK_FAILURES", default=36, low=1, high=1000)
WEBHOOK_OLD_SECRET_HOURS = env.integer("WEBHOOK_OLD_SECRET_HOURS", default=24, low=0, high=720)

# --- Insights ------------------------------------------------------------------------------------------------------

CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    # Late ones are dropped: the next does their work as well.
    "insights": {"task": "insights.tasks.hourly", "schedule": timedelta(hours=1), "options": {"expires": 3000}},
    "transfers": {
        "task": "wallet.tasks.expire_transfers",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 290},
    },
    "reconcile": {
        "task": "wallet.tasks.reconcile",
        "schedule": timedelta(hours=6),
        "options": {"expires": 3600},
    },
    "reconcile-unfinished": {
        "task": "wallet.tasks.tend_reconciliations",
        "schedule": timedelta(minutes=10),
        "options": {"expires": 590},
    },
    "reconcile-fully": {
        "task": "wallet.tasks.reconcile",
        "schedule": crontab(day_of_week="sunday", hour="3", minute="30"),
        "kwargs": {"full": True},
        "options": {"expires": 3600},
    },
    "exports": {
        "task": "privacy.tasks.tend_exports",
        "schedule": timedelta(minutes=10),
        "options": {"expires": 590},
    },
    "erasures": {
        "task": "privacy.tasks.tend_erasures",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3500},
    },
}
ETL_LANES = env.integer("ETL_LANES", default=2, low=1, high=32)
LLM_PROVIDER = env.choice("LLM_PROVIDER", default="rules", options=("rules", "openai"))
LLM_BASE_URL = env.text("LLM_BASE_URL")
LLM_MODEL = env.text("LLM_MODEL")
LLM_API_KEY = env.text("LLM_API_KEY")
LLM_TIMEOUT_SECONDS = env.integer("LLM_TIMEOUT_SECONDS", default=20, low=1, high=300)
LLM_RETRIES = env.integer("LLM_RETRIES", default=2, low=0, high=10)
LLM_CALLS_PER_DAY = env.integer("LLM_CALLS_PER_DAY", default=1000, low=0, high=10**6)
ETL_RETENTION_DAYS = env.integer("ETL_RETENTION_DAYS", default=30, low=1, high=3650)

# --- Privacy -------------------------------------------------------------------------------------------------------

# Outside of everything that is served, and readable by this process only. Web and workers share it.
EXPORT_DIR = Path(env.text("EXPORT_DIR", default=str(DATA_DIR / "exports"))).resolve()
EXPORT_LIFETIME_HOURS = env.integer("EXPORT_LIFETIME_HOURS", default=48, low=1, high=720)
# What apps that privacy may not import add to an export; each is called with tenant_id and user_id.
EXPORT_SECTIONS = {"insights": "insights.api.exported.of_user"}

# --- Logs ----------------------------------------------------------------------------------------------------------

METRICS_TOKEN = env.text("METRICS_TOKEN")
LOG_LEVEL = env.choice("LOG_LEVEL", default="INFO", options=("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING_CONFIG = "aurix.logs.configure"
LOGGING: dict[str, Any] = {"level": LOG_LEVEL}


def _production_problems() -> list[str]:
    """Everything that keeps a production process from starting, as sentences."""
    problems = [
        f"{name} {why}."
        for name, value in (("SECRET_KEY", SECRET_KEY), ("JWT_SECRET", JWT_SECRET))
        if (why := secrets.weakness(value))
    ]
    if SECRET_KEY and SECRET_KEY == JWT_SECRET:
        problems.append("JWT_SECRET must differ from SECRET_KEY.")
    if ARGON2_TIME_COST * ARGON2_MEMORY_KIB < 2 * 19_456:
        problems.append("ARGON2_TIME_COST and ARGON2_MEMORY_KIB make passwords too cheap to guess.")
    if DEBUG:
        problems.append("DEBUG must be off.")
    if SEED_BALANCE_EUR_CENTS:
        problems.append("SEED_BALANCE_EUR_CENTS must be 0: it gives money away.")
    problems += [f"DEMO_{name} must not be set." for name, value in DEMO.items() if value]
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        problems.append("ALLOWED_HOSTS must name the hosts that are served.")
    if not env.text("DATABASE_URL"):
        problems.append("DATABASE_URL is missing.")
    return problems


if PRODUCTION and (_found := _production_problems()):
    raise ImproperlyConfigured("Production mode refuses to start: " + " ".join(_found))
