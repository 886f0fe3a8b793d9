"""A respondent over HTTP: one connection, one cookie, and the page that is open."""

from __future__ import annotations

import asyncio
import html
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

_FORM = re.compile(r'<form\b[^>]*?(?: action="([^"]*)")?[^>]*>(.*?)</form>', re.S)
_INPUT = re.compile(r"<(?:input|textarea)\b[^>]*>")
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.S)
REDIRECTS = (301, 302, 303, 307)
MOST_REDIRECTS = 5
LONGEST_SECONDS = 60.0


class Refused(Exception):
    """A page that was not accepted, or not answered; the message says what was said instead."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    location: str
    cookie: str
    text: str


class Visitor:
    """Answers a survey page by page.

    Radios get their first answer, ticks the first, fields a word or a number: enough for a survey
    without rankings and sums.

    Parameters
    ----------
    start
        The whole address of an open link.
    """

    def __init__(self, start: str) -> None:
        parts = urlsplit(start)
        self._host, self._port, self._start = parts.hostname or "", parts.port or 80, parts.path
        self._cookie = ""
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.here = ""
        """The path of the page that is open."""
        self.form: dict[str, str] = {}
        """What will be sent from it."""

    @property
    def ended(self) -> bool:
        """Whether the open page has no form: the survey is over."""
        return not self.form

    async def begin(self) -> None:
        """Start as a new respondent; then the first page of questions is open."""
        await self.arrive()
        await self.send()

    async def arrive(self) -> None:
        """Open the start page as somebody who was never there."""
        self._cookie = ""
        await self._open(self._start)

    async def arrive_at(self, path: str) -> None:
        """Open a page of the same server, as the one who is known there."""
        await self._open(path)

    async def send(self) -> None:
        """Send the open page; what it leads to is open afterwards."""
        reply = await self.request("POST", self.here, urlencode(self.form))
        if reply.status not in REDIRECTS:
            raise Refused(_said(self.here, reply))
        await self._open(reply.location)

    async def _open(self, path: str) -> None:
        for _ in range(MOST_REDIRECTS):
            reply = await self.request("GET", path)
            if reply.status not in REDIRECTS:
                break
            path = reply.location
        if reply.status != 200:
            raise Refused(_said(path, reply))
        self.here = path
        self.form = read_form(reply.text)
        action = _FORM.search(reply.text)
        if action and action[1]:
            self.here = html.unescape(action[1])

    async def request(self, method: str, path: str, body: str = "") -> Reply:
        """One request on the connection, which is opened where it is not.

        Raises
        ------
        Refused
            When the server does not answer, or hangs up.
        """
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                reader, writer = self._streams or await self._connect()
                writer.write(self._head(method, path, body))
                reply = await read_reply(reader)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise Refused(f"{method} {_place(path)}: {type(error).__name__} {error}") from None
        self._cookie = reply.cookie or self._cookie
        return reply

    def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection(self._host, self._port)
        return self._streams

    def _head(self, method: str, path: str, body: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        if self._cookie:
            lines.append(f"Cookie: {self._cookie}")
        if method == "POST":
            lines.append("Content-Type: application/x-www-form-urlencoded")
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def read_form(page: str) -> dict[str, str]:
    """The form of a page with an answer to each of its questions; empty when it has none."""
    found = _FORM.search(page)
    filled: dict[str, str] = {}
    for tag in _INPUT.findall(found[2]) if found else ():
        given = dict(_ATTRIBUTE.findall(tag))
        name, kind = given.get("name", ""), given.get("type", "text")
        if not name or name in filled:
            continue
        if kind in ("hidden", "radio", "checkbox"):
            if not given.get("value", "").startswith("~"):
                filled[name] = html.unescape(given.get("value", ""))
        elif kind in ("text", "number"):
            filled[name] = "5" if given.get("inputmode") or kind == "number" else "A word"
    return filled


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """Read one answer of a server."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    fields: dict[str, str] = {}
    cookie = ""
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "set-cookie":
            cookie = value.strip().partition(";")[0]
        fields[name.lower()] = value.strip()
    if fields.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(fields.get("content-length") or 0))
    status, location = int(first.split(" ", 2)[1]), urlsplit(fields.get("location", ""))
    place = location.path + (f"?{location.query}" if location.query else "")
    return Reply(status, place, cookie, body.decode(errors="replace"))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readline()).partition(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


class Stalled:
    """A client that stops in the middle of what it sends, and holds its connection."""

    def __init__(self, start: str, *, in_body: bool) -> None:
        parts = urlsplit(start)
        self._host, self._port = parts.hostname or "", parts.port or 80
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {self._host}\r\n"
        rest = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na="
        self._sent = (head + (rest if in_body else "X-Slow: ")).encode()
        self._writer: asyncio.StreamWriter | None = None

    async def begin(self) -> None:
        """Send half a request."""
        _, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(self._sent)
        await self._writer.drain()

    async def end(self) -> None:
        """Hang up."""
        if self._writer:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()


def _said(path: str, reply: Reply) -> str:
    title = _TITLE.search(reply.text)
    return f"{_place(path)}: {reply.status} {html.unescape(title[1]).strip() if title else ''}"


def _place(path: str) -> str:
    """A path without the secret of a respondent."""
    return re.sub(r"^/a/[^/]+", "/a/...", path)
