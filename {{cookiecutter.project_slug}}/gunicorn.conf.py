"""How gunicorn serves the app: `make serve`. Each value is an environment variable."""

import os

from flask.cli import load_dotenv
from flask.helpers import get_load_dotenv

if get_load_dotenv():
    # .env first: what .flaskenv says of the document and the logs is for development.
    load_dotenv(".env", load_defaults=False)
    os.environ.setdefault("FLASK_API_DOCS", "false")
    os.environ.setdefault("FLASK_LOG_JSON", "true")
    load_dotenv()

wsgi_app = f"{os.environ['FLASK_APP']}:create_app()"
bind = ":".join(os.environ[f"FLASK_RUN_{name}"] for name in ("HOST", "PORT"))

# A process for each core. Each hashes FLASK_HASHES_AT_ONCE passwords at a time: with
# more threads than log-ins can hold, the others answer meanwhile.
workers = int(os.environ.get("WEB_CONCURRENCY", 2))
threads = int(os.environ.get("WEB_THREADS", 16))

# A crowd waits in the kernel's line, and is not turned away there. A worker that held
# thousands of connections would spend its time looking through them.
backlog = 4096
worker_connections = 500

# In seconds: how long a stop waits for answers that are being made.
graceful_timeout = 30

# The app logs each request itself; gunicorn is told what to do by signals.
accesslog = None
control_socket_disable = True
