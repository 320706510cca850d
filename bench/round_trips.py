"""Round trips to PostgreSQL for each token request, counted by a proxy between the two."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import make_url

from .contestants import Bench, ours
from .in_process import call, working
from .project import EMAIL, on_database, postgresql
from .report import table

# As many as it takes until psycopg has prepared the statement, and some.
WARM, COUNTED = 20, 50


def measure(bench: Bench) -> str:
    """Count with the pool's ping, and without."""
    lines = []
    with postgresql() as uris:
        if not uris:
            return "Not measured: TEST_POSTGRESQL_URI names no server."
        server = make_url(uris[0])
        with counting(server.host or "127.0.0.1", server.port or 5432) as (port, trips):
            through = server.set(host="127.0.0.1", port=port)
            project = on_database(bench.project, through.render_as_string(hide_password=False))
            ended = project.credentials(EMAIL)
            project.flask("auth", "revoke", EMAIL)
            contestant = replace(ours(project, EMAIL, EMAIL), deactivated=ended)
            for name, ping in (("as generated", True), ("without `pool_pre_ping`", False)):
                options = json.dumps({"pool_pre_ping": ping})
                extra = {"FLASK_SQLALCHEMY_ENGINE_OPTIONS": options}
                one = replace(contestant, environment=contestant.environment | extra)
                with working(one) as worker:
                    call(worker, WARM)
                    before = len(trips)
                    call(worker, COUNTED)
                    lines.append([name, f"{(len(trips) - before) / COUNTED:.2f}"])
    return table(["", "round trips"], lines)


@contextmanager
def counting(host: str, port: int) -> Iterator[tuple[int, list[int]]]:
    """Give the port of a proxy, and a list that grows with each round trip through it."""
    trips: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:  # closed: that is all
                    return
                server = socket.create_connection((host, port))
                answered = threading.Event()
                for words in ((client, server, answered, trips), (server, client, answered)):
                    threading.Thread(target=pump, args=words, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], trips


def pump(
    source: socket.socket,
    sink: socket.socket,
    answered: threading.Event,
    trips: list[int] | None = None,
) -> None:
    """Pass on what comes; what a client sends after an answer begins a round trip."""
    while data := source.recv(65536):
        if trips is None:
            answered.set()
        elif answered.is_set():
            answered.clear()
            trips.append(1)
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)
