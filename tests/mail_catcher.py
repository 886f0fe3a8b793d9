"""A mail server on loopback that keeps what it gets, and refuses or hangs when it is told to."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections import defaultdict
from contextlib import contextmanager
from email.message import EmailMessage


class Catcher(socketserver.ThreadingTCPServer):
    """``caught`` are the messages with their recipient, in the order of their arrival.

    ``replies`` holds what recipients are answered to RCPT, one reply a try; ``holding`` lets the
    server keep silent after a message has come in, until it is set.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.caught: list[tuple[str, EmailMessage]] = []
        self.replies: dict[str, list[str]] = defaultdict(list)
        self.hangs_for: str = ""
        self.hanging = threading.Event()
        self.log_ins: list[str] = []

    @property
    def port(self) -> int:
        return self.server_address[1]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for to, message in self.caught if to == address]


class _Session(socketserver.StreamRequestHandler):
    server: Catcher

    def handle(self) -> None:
        self._say("220 catcher")
        to = ""
        while line := self.rfile.readline():
            word, _, rest = line.decode().strip().partition(" ")
            word = word.upper()
            if word == "EHLO":
                self._say("250-catcher\r\n250 8BITMIME")
            elif word == "RCPT":
                to = rest.partition("<")[2].partition(">")[0]
                waiting = self.server.replies[to]
                self._say(waiting.pop(0) if waiting else "250 fine")
            elif word == "DATA":
                self._say("354 go on")
                self._take(to)
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _take(self, to: str) -> None:
        lines = []
        while (line := self.rfile.readline()) and line != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        raw = b"".join(lines)
        self.server.caught.append((to, email.message_from_bytes(raw, policy=email.policy.default)))
        if to == self.server.hangs_for:
            self.server.hanging.set()
            self.rfile.readline()
            return
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def catching():
    """A catcher that serves in a thread."""
    with Catcher() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
