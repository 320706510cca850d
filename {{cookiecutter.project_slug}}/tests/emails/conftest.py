"""Fixtures: a mail server on this machine."""

from email import message_from_bytes, policy
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest


class Session(StreamRequestHandler):
    """Takes emails, and replies as server.replies says; an empty reply hangs up."""

    def handle(self):
        self.reply("220 localhost")
        while line := self.rfile.readline().decode().strip().upper():
            self.server.lines.append(line)
            if line == "DATA":
                self.reply("354 Send it")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                message = message_from_bytes(content, policy=policy.default)
                self.server.messages.append(message)
            if not self.reply(self.server.replies.get(line[:4], "250 OK")):
                return

    def reply(self, text):
        self.wfile.write(f"{text}\r\n".encode() if text else b"")
        return text


@pytest.fixture
def mail_server():
    """Return a mail server, with the lines and messages that it has received."""
    with ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.lines, server.messages, server.replies = [], [], {}
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()
