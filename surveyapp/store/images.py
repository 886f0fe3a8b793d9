"""Images of studies. A name is given once: what published versions show never changes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, select
from sqlalchemy import insert as insert_into

from analysis.study.texts import IMAGE_NAME
from surveyapp.store.records import ImageRecord
from surveyapp.store.schema import images

NAME = re.compile(IMAGE_NAME)
TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
MOST_BYTES = 200_000


class ImageFault(ValueError):
    """An image that cannot be stored; the message says why, and what to do."""


def check(name: str, content: bytes) -> None:
    """Refuse what is no small PNG, JPEG or WebP image of its name's kind, with ImageFault."""
    if len(content) > MOST_BYTES:
        raise ImageFault(
            f"'{name}' has {len(content):,} bytes. Save it smaller: at most {MOST_BYTES:,} bytes; "
            "800 pixels of width and 60,000 bytes are plenty for a page."
        )
    wanted = TYPES.get(name.rpartition(".")[2])
    if wanted is None or _type_of(content) != wanted:
        raise ImageFault(
            f"'{name}' is not a PNG, JPEG or WebP image, or its name says another kind. "
            "Save it as one of them, with a name such as bun.png."
        )


def _type_of(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return TYPES["png"]
    if content.startswith(b"\xff\xd8\xff"):
        return TYPES["jpg"]
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return TYPES["webp"] if webp else None


def add(c: Connection, study: str, name: str, content: bytes, *, at: str) -> None:
    """Store an image; the very same again changes nothing.

    Raises
    ------
    ImageFault
        When it is no image, or the name has another image already.
    """
    check(name, content)
    known = get(c, study, name)
    if known and known.content != content:
        raise ImageFault(
            f"'{name}' is stored already, with another content. Published versions may show it: "
            "give the new image another name, and use that in the study file."
        )
    if known is None:
        row = {"study": study, "name": name, "content": content, "added": at}
        c.execute(insert_into(images).values(row))


def get(c: Connection, study: str, name: str) -> ImageRecord | None:
    """An image, or None."""
    wanted = select(images).where(images.c.study == study, images.c.name == name)
    row = c.execute(wanted).first()
    return ImageRecord(**row._mapping) if row else None


def names(c: Connection, study: str) -> list[str]:
    """The names of a study's images."""
    wanted = select(images.c.name).where(images.c.study == study).order_by(images.c.name)
    return list(c.execute(wanted).scalars())


def missing(c: Connection, study: str, used: Iterable[str]) -> list[str]:
    """Which of the images that a study uses are not stored."""
    return sorted(set(used) - set(names(c, study)))
