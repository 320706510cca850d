"""Settings of the app itself. Each feature has its own settings.py."""

from . import rules

# Signs the tokens: whoever knows it can make them.
SECRET_KEY = rules.secret()

# Older keys: tokens that were signed with them are still accepted.
SECRET_KEY_FALLBACKS = rules.list_of_secrets()

# --- Database ----------------------------------------------------------------

SQLALCHEMY_DATABASE_URI = rules.Setting(None, rules.find_url_problem, is_text=True)

# What to change of database.ENGINE_OPTIONS.
SQLALCHEMY_ENGINE_OPTIONS = rules.mapping({"pool_size": 10})

# --- HTTP --------------------------------------------------------------------

# Whether /docs and /openapi.json are served. `flask openapi print` always works.
API_DOCS = rules.boolean(False)

# Origins whose pages may call this API from a browser. Flask-CORS would take other
# characters for a pattern, which may match origins that nobody meant.
origin_pattern = r"\*|https?://[\w.-]+(:\d+)?"
CORS_ORIGINS = rules.list_of(origin_pattern, '["https://app.example.com"]')

# Browsers then insist on TLS for so many seconds. 0: the header is not sent.
HSTS_SECONDS = rules.whole_number(0, minimum=0)

# In bytes: a larger body is refused unread (413).
MAX_CONTENT_LENGTH = rules.whole_number(1024 * 1024, minimum=1)

# How many proxies are in front. With a higher number a client could forge its address.
PROXY_COUNT = rules.whole_number(0, minimum=0)

# Host names that the API answers to: a client can send any Host header.
TRUSTED_HOSTS = rules.list_of(".+", '["api.example.com"]')

# --- Logging -----------------------------------------------------------------

LOG_JSON = rules.boolean(True)
