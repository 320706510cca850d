"""Settings of gunicorn: `make serve`. Most values come from environment variables."""

import os

from flask.cli import load_dotenv


def read_number(name: str, default: int) -> int:
    """Read a whole number, or say which variable has none."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or int(text) == 0:
        raise SystemExit(f"{name} must be a whole number, 1 or more.")
    return int(text)


# The app refuses what is no boolean.
if os.environ.get("FLASK_SKIP_DOTENV", "no").lower() in ("false", "no", "off", "0"):
    # Before .flaskenv, whose API_DOCS and LOG_JSON are meant for development.
    load_dotenv(".env", load_defaults=False)
    os.environ.setdefault("FLASK_API_DOCS", "false")
    os.environ.setdefault("FLASK_LOG_JSON", "true")
    load_dotenv()

wsgi_app = f"{os.environ['FLASK_APP']}:create_app()"
bind = ":".join(os.environ[f"FLASK_RUN_{name}"] for name in ("HOST", "PORT"))

# One process for each core is usual. Each hashes at most FLASK_MAX_CONCURRENT_HASHES
# passwords at the same time, so the other threads answer requests during logins.
workers = read_number("WEB_CONCURRENCY", 2)
threads = read_number("WEB_THREADS", 16)

# A burst of connections waits in the kernel's queue (backlog), and is not refused. A
# worker accepts few, because polling thousands of connections would take its time.
backlog = 4096
worker_connections = 500

# Seconds that a stopping worker has to finish running requests.
graceful_timeout = 30

# The app logs each request itself. Signals control gunicorn, so it needs no socket.
accesslog = None
control_socket_disable = True
