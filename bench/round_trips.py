"""The number of round trips to PostgreSQL for a token request, counted by a proxy."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import make_url

from .contestants import Bench, create_our_contestant
from .in_process import run_worker, send_requests
from .project import SEED_USER_EMAIL, create_databases, set_up_database
from .report import format_table

# psycopg prepares a statement after it has run a few times: the warm-up covers that.
WARM_UP_COUNT, REQUEST_COUNT = 20, 50


def measure(bench: Bench) -> str:
    """Count round trips with the ping of the connection pool, and without it."""
    rows = []
    with create_databases() as uris:
        if not uris:
            return "Not measured: TEST_POSTGRESQL_URI names no server."
        server = make_url(uris[0])
        with count_round_trips(server.host or "127.0.0.1", server.port or 5432) as (port, trips):
            proxy = server.set(host="127.0.0.1", port=port)
            project = set_up_database(bench.project, proxy.render_as_string(hide_password=False))
            revoked_headers = project.create_headers(SEED_USER_EMAIL)
            project.flask("auth", "revoke", SEED_USER_EMAIL)
            contestant = replace(
                create_our_contestant(project, SEED_USER_EMAIL, SEED_USER_EMAIL),
                deactivated_headers=revoked_headers,
            )
            for name, ping in (("as generated", True), ("without `pool_pre_ping`", False)):
                options = json.dumps({"pool_pre_ping": ping})
                extra = {"FLASK_SQLALCHEMY_ENGINE_OPTIONS": options}
                variant = replace(contestant, environment=contestant.environment | extra)
                with run_worker(variant) as worker:
                    send_requests(worker, WARM_UP_COUNT)
                    before = len(trips)
                    send_requests(worker, REQUEST_COUNT)
                    rows.append([name, f"{(len(trips) - before) / REQUEST_COUNT:.2f}"])
    return format_table(["", "round trips"], rows)


@contextmanager
def count_round_trips(host: str, port: int) -> Iterator[tuple[int, list[int]]]:
    """Start a proxy; yield its port, and a list that grows by one with each round trip."""
    trips: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept_connections() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:  # the listener is closed, so the measurement is over
                    return
                server = socket.create_connection((host, port))
                answered = threading.Event()
                for arguments in ((client, server, answered, trips), (server, client, answered)):
                    threading.Thread(target=forward, args=arguments, daemon=True).start()

        threading.Thread(target=accept_connections, daemon=True).start()
        yield listener.getsockname()[1], trips


def forward(
    source: socket.socket,
    sink: socket.socket,
    answered: threading.Event,
    trips: list[int] | None = None,
) -> None:
    """Forward the data of one direction; only the client's direction gets `trips`.

    A round trip begins with what the client sends after an answer of the server.
    """
    while data := source.recv(65536):
        if trips is None:
            answered.set()
        elif answered.is_set():
            answered.clear()
            trips.append(1)
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)
