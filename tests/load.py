"""Send many requests at the same time to a server on this machine, and count the results."""

import asyncio
import json
import resource
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Results:
    """The results of requests: their statuses, and the errors of their connections."""

    counts: Counter = field(default_factory=Counter)
    # For each status: the headers and body of the last answer, as they came.
    examples: dict[object, bytes] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, result: object, started: float, answer: bytes = b"") -> None:
        self.counts[result] += 1
        self.examples[result] = answer
        self.seconds.append(time.perf_counter() - started)


def post(path: str, body: object, client: str = "127.0.0.1") -> bytes:
    """Write a request with a JSON body, as a proxy forwards it for a client."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += f"X-Forwarded-For: {client}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def get(path: str, token: str | None = None) -> bytes:
    """Write a request without a body."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{head}\r\n".encode()


class Exchange(asyncio.Protocol):
    """One request on a connection of its own. Streams would cost three times as much."""

    def __init__(self, request: bytes, done: asyncio.Future):
        self.request, self.done, self.answer = request, done, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.answer += data

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(self.answer)


async def send(port: int, request: bytes, results: Results, timeout: float = 60) -> object:
    """Send one request; count and return its status, or the error of its connection."""
    started, answer, loop = time.perf_counter(), b"", asyncio.get_running_loop()
    done, transport = loop.create_future(), None
    try:
        async with asyncio.timeout(timeout):
            connect = loop.create_connection(lambda: Exchange(request, done), "127.0.0.1", port)
            transport, _ = await connect
            answer = await done
        result: object = int(answer[9:12]) if answer else "closed"
    except TimeoutError:
        result = "timeout"
    except OSError as error:
        result = type(error).__name__
    finally:
        if transport:
            transport.abort()
    results.add(result, started, answer)
    return result


async def send_all(
    port: int,
    requests: Iterable[bytes],
    clients: int,
    timeout: float = 60,
    results: Results | None = None,
) -> Results:
    """Send the requests from several clients, each one request after the other."""
    results, waiting = results or Results(), iter(requests)

    async def run_client() -> None:
        for request in waiting:
            await send(port, request, results, timeout)

    await asyncio.gather(*(run_client() for _ in range(clients)))
    return results


def send_at_once(port: int, requests: list[bytes], seconds: float) -> Counter:
    """Open all connections at the same time, send a request on each, count the statuses.

    With plain sockets, because the load shares the machine with the server.
    """
    counts: Counter = Counter()
    max_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for request in requests:
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            selector.register(connection, selectors.EVENT_WRITE, (request, bytearray()))
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(timeout=1):
                if (result := send_or_receive(selector, key)) is not None:
                    counts[result] += 1
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
        counts["timeout"] += len(selector.get_map())
    return +counts


def send_or_receive(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> object:
    """Send or receive on one connection; return its result as soon as there is one."""
    request, answer = key.data
    try:
        if key.events == selectors.EVENT_WRITE:
            key.fileobj.send(request)
            selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
            return None
        if part := key.fileobj.recv(65536):
            answer.extend(part)
            return None
    except OSError as error:
        return type(error).__name__
    if answer[9:12] in (b"429", b"503") and b"retry-after: " not in answer.lower():
        return "no Retry-After"
    return int(answer[9:12]) if answer else "closed"
