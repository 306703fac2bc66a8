"""Settings: typed, from the environment, safe by default. See `console.env` for how values are read."""

import os
from pathlib import Path

from accounts.oauth_settings import oauth_settings
from accounts.oidc_settings import oidc_settings
from console import env
from console.mail import mail_settings

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Safety -----------------------------------------------------------------------------------------------------
DEBUG = env.flag("REMIT_DEBUG", default=False)
SECRET_KEY = env.text("REMIT_SECRET_KEY")
# Older keys, newest first: they open what was sealed or signed with them; `manage.py remit_rotate_keys` seals it anew.
SECRET_KEY_FALLBACKS = env.text("REMIT_SECRET_KEY_OLD", default="").split()
# Opens the key that signs approvals, newest first. Only the web process has it; workers verify, they never sign (B-03).
REMIT_APPROVAL_SECRETS = env.text("REMIT_APPROVAL_SECRET", default="").split()
# The newest first. Without one, links are signed with a key made from SECRET_KEY.
REMIT_LINK_SECRETS = env.text("REMIT_LINK_SECRET", default="").split()
# The public keys that this process accepts; empty: every key registered in the database.
REMIT_APPROVAL_KEYS = env.words("REMIT_APPROVAL_KEYS", default="")
REMIT_PORT = env.number("REMIT_PORT", default=8000, minimum=1, maximum=65535)
REMIT_BASE_URL = os.environ.get("REMIT_BASE_URL", f"http://127.0.0.1:{REMIT_PORT}").rstrip("/")
ALLOWED_HOSTS = env.words("REMIT_ALLOWED_HOSTS", default="127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [REMIT_BASE_URL]
HTTPS = REMIT_BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "accounts.views.out_of_date"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("REMIT_TRUST_PROXY", default=False) else None
X_FRAME_OPTIONS = "DENY"
# A policy document of 256 KiB as a form sends it, in which a character may be six. Agents send 64 KiB at most (gateway).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# A page of 500 tools to import has five fields for each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- What is installed ------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "console",
    "gateway",
    "actions",
    "approvals",
    "policies",
    "traces",
    "traces.notices",
    "traces.embed",
    "accounts",
    "guardian",
    "django_htmx",
    "template_partials",
    "lucide",
    "csp",
    "mozilla_django_oidc",
    "oauth2_provider",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.WorkspaceMiddleware",
]
ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.navigation.nav",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]

# --- Data -------------------------------------------------------------------------------------------------------
# Connections that a web process keeps open at most; nothing else keeps any (console.asgi).
REMIT_DB_POOL = env.number("REMIT_DB_POOL", default=0, minimum=0, maximum=500)
DATABASES = {"default": env.database(env.text("DATABASE_URL"), kept=REMIT_DB_POOL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Django's Redis cache backend unpickles what it reads, so nothing is cached there; sessions live in the database.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"

# --- People -----------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
ANONYMOUS_USER_NAME = None
# The first is for people's passwords; the other only for secrets that Remit made.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", "accounts.secret_hashing.GeneratedSecretHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "console:home"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
SIGN_IN = oidc_settings(os.environ)
REMIT_OIDC_ENABLED: bool = SIGN_IN["REMIT_OIDC_ENABLED"]
REMIT_OIDC_ATTRIBUTES: dict[str, str] = SIGN_IN["REMIT_OIDC_ATTRIBUTES"]
REMIT_PASSWORD_SIGN_IN: bool = SIGN_IN["REMIT_PASSWORD_SIGN_IN"]
# The applications (client ids at the provider) whose ID tokens agents may exchange; empty: none.
REMIT_EXCHANGE_AUDIENCES: tuple[str, ...] = SIGN_IN["REMIT_EXCHANGE_AUDIENCES"]
globals().update(SIGN_IN)

# --- Agents by OAuth: what /mcp and /api/v1 are called in tokens (RFC 8707) ----------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER = oauth_settings(REMIT_BASE_URL)
# Hosts whose documents may name clients (accounts.client_documents); empty: none.
REMIT_CIMD_HOSTS = env.words("REMIT_CIMD_HOSTS", default="")
REMIT_CIMD_ALLOW_PRIVATE = env.flag("REMIT_CIMD_ALLOW_PRIVATE", default=False)
# Schemes by which programs on people's machines take the answers of sign-ins (accounts.consents.redirects).
REMIT_APP_SCHEMES = env.schemes("REMIT_APP_SCHEMES", default="cursor,vscode,vscode-insiders")
REMIT_AUDIENCE_MCP, REMIT_AUDIENCE_REST = f"{REMIT_BASE_URL}/mcp", f"{REMIT_BASE_URL}/api/v1"

# --- Broker: a doorbell that carries one id a message (R-01) -----------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
CELERY_BROKER_URL = os.environ.get("BROKER_URL") or REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Its own for each installation that shares a broker: a bell that another takes waits for the sweeper.
CELERY_TASK_DEFAULT_QUEUE = env.text("REMIT_QUEUE", "") or "remit"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A sender never tries again by itself (by default it waits six seconds for a broker that is down): the sweeper rings.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2, "max_retries": 0}

# --- Measurements: without a token only this machine may read them ------------------------------------------------
REMIT_METRICS_TOKEN = env.text("REMIT_METRICS_TOKEN", default="")

# --- Spans: where OpenTelemetry's go, by OTLP over HTTP (https://HOST/v1/traces), and with which headers; empty: nowhere ----
REMIT_OTLP_ENDPOINT = env.receiver("REMIT_OTLP_ENDPOINT")
REMIT_OTLP_HEADERS = env.headers("REMIT_OTLP_HEADERS")

# --- Times, in seconds ------------------------------------------------------------------------------------------
REMIT_LEASE_S = env.number("REMIT_LEASE_S", default=60, minimum=1, maximum=300)
REMIT_SWEEP_S = env.number("REMIT_SWEEP_S", default=5, minimum=1, maximum=3600)
REMIT_APPROVAL_TTL_S = env.number("REMIT_APPROVAL_TTL_S", default=3600, minimum=1, maximum=30 * 86400)
REMIT_RECONCILE_S = env.number("REMIT_RECONCILE_S", default=5, minimum=1, maximum=300)
# How often what MCP servers list is compared with what was approved.
REMIT_MCP_WATCH_S = env.number("REMIT_MCP_WATCH_S", default=300, minimum=1, maximum=86400)
# How many records one plan may change in bulk steps, and how many of a step run before a person looks at them.
REMIT_BULK_MAX = env.number("REMIT_BULK_MAX", default=500, minimum=1, maximum=10_000)
REMIT_BULK_CANARY = env.number("REMIT_BULK_CANARY", default=5, minimum=1, maximum=1000)
# A write that ran by itself and is asked for again by MCP within this time is the same call; 0 for none.
REMIT_REPLAY_S = env.number("REMIT_REPLAY_S", default=30, minimum=0, maximum=3600)
# How long an agent may be silent before calls that name no trace begin another one.
REMIT_TRACE_IDLE_S = env.number("REMIT_TRACE_IDLE_S", default=1800, minimum=1, maximum=86400)
REMIT_CALL_TIMEOUT_S = env.number("REMIT_CALL_TIMEOUT_S", default=20, minimum=1, maximum=120)

# Whether the page that makes connections offers private addresses, which lead from the browser into this machine's network.
REMIT_CONNECTIONS_PRIVATE = env.flag("REMIT_CONNECTIONS_PRIVATE", default=False)

# --- Programs that connections of kind mcp may start: a JSON object by name (docs/tools.md), usually by ..._FILE --------
REMIT_MCP_COMMANDS = env.text("REMIT_MCP_COMMANDS", default="")
# The user they run as, for which Remit itself has to be root; empty: Remit's own.
REMIT_MCP_COMMAND_USER = env.text("REMIT_MCP_COMMAND_USER", default="")

# --- Ledger: checkpoints, witnesses, retention --------------------------------------------------------------------
REMIT_CHECKPOINT_S = env.number("REMIT_CHECKPOINT_S", default=60, minimum=1, maximum=3600)
REMIT_CHECKPOINT_ENTRIES = env.number("REMIT_CHECKPOINT_ENTRIES", default=1000, minimum=1, maximum=1_000_000)
REMIT_CHECKPOINT_ALARM_S = env.number("REMIT_CHECKPOINT_ALARM_S", default=300, minimum=2, maximum=86400)
REMIT_RETENTION_DAYS = env.number("REMIT_RETENTION_DAYS", default=400, minimum=1, maximum=36500)
_DATA_DIR = os.environ.get("REMIT_DATA_DIR", "")
REMIT_WITNESS = env.words("REMIT_WITNESS", default=f"file:{_DATA_DIR}/witness" if _DATA_DIR else "")
REMIT_WITNESS_ALLOW_PRIVATE = env.flag("REMIT_WITNESS_ALLOW_PRIVATE", default=False)

# --- Notices: where they may go and the mail server they use ------------------------------------------------
REMIT_NOTICE_S = env.number("REMIT_NOTICE_S", default=1, minimum=1, maximum=60)
REMIT_NOTICES_PORTS = env.ports("REMIT_NOTICES_PORTS", default="443")
REMIT_NOTICES_ALLOW_PRIVATE = env.flag("REMIT_NOTICES_ALLOW_PRIVATE", default=False)
MAIL = mail_settings(os.environ)
REMIT_MAIL: bool = MAIL["REMIT_MAIL"]
REMIT_MAIL_DOMAIN: str = MAIL["REMIT_MAIL_DOMAIN"]
globals().update(MAIL)

# --- Language and time: stored and shown in UTC, zone always written --------------------------------------------
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files: read from the source tree by WhiteNoise; no build step ------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
WHITENOISE_USE_FINDERS = True

# --- Logs: one line an event, no argument values (R-33, R-34) ---------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
