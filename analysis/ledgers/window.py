"""The lines of a file, block by block in one buffer, so that memory is asked for once."""

from __future__ import annotations

import codecs
from io import BufferedIOBase

BLOCK = 16_000_000


class Window:
    """Whole lines of a file as UTF-8, block by block: ``fill``, look at ``data``, ``pass_on``.

    ``data`` is written over by the next ``fill``.
    """

    def __init__(self, stream: BufferedIOBase, head: bytes, encoding: str) -> None:
        self._stream, self._chunk = stream, head
        self._decode = None
        if codecs.lookup(encoding).name != "utf-8":
            self._decode = codecs.getincrementaldecoder(encoding)("replace")
        utf_16 = encoding.startswith("utf-16")
        self._old_mac = b"\n" not in head and b"\r" in head and not utf_16
        self._rest = b""
        self.data = bytearray()
        self.final = False
        """Whether the file ends with this block."""

    def fill(self) -> None:
        """Read on; afterwards ``data`` begins with what was left and ends with an end of line."""
        if self._chunk or self._decode or self._old_mac:
            chunk = self._chunk or self._stream.read(BLOCK)
            self._chunk = b""
            got = len(chunk)
            self.data = bytearray(self._rest + self._text(chunk))
        else:
            got = self._read_into()
        self.final = not got
        if self.final and self.data and not self.data.endswith(b"\n"):
            self.data += b"\n"
        end = self.data.rfind(b"\n") + 1
        self._rest = bytes(memoryview(self.data)[end:])
        self._end_at(end)

    def pass_on(self, consumed: int) -> None:
        """What comes after these bytes of ``data`` belongs to the next block."""
        left = bytes(memoryview(self.data)[consumed:])
        self._rest = left + self._rest

    def _text(self, chunk: bytes) -> bytes:
        if self._decode is not None:
            chunk = self._decode.decode(chunk, not chunk).encode()
        return chunk.replace(b"\r", b"\n") if self._old_mac else chunk

    def _read_into(self) -> int:
        """Read a block into the buffer behind the rest, and return its size."""
        rest = len(self._rest)
        if len(self.data) - rest < BLOCK // 2:
            self.data = bytearray(rest + BLOCK)
        self.data[:rest] = self._rest
        got = rest
        with memoryview(self.data) as view:
            while got < len(view) and (more := self._stream.readinto(view[got:])):
                got += more
        self._end_at(got)
        return got - rest

    def _end_at(self, size: int) -> None:
        try:
            del self.data[size:]
        except BufferError:  # somebody still looks at it
            self.data = self.data[:size]
