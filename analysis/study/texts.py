"""What every part of a study is made of: frozen fields, ids, and texts in several languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, RootModel, StringConstraints


class Part(BaseModel):
    """What every part of a study shares: frozen, and no unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""Lower-case letters, digits and underscores, starting with a letter."""

LevelId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+-]{1,64}$")]
"""An option or level id; numbers are allowed."""

IMAGE_NAME = r"[a-z0-9][a-z0-9_-]{0,63}\.(png|jpg|jpeg|webp)"
ImageName = Annotated[str, StringConstraints(pattern=f"^{IMAGE_NAME}$")]
"""The file name of an image that is stored with the study."""

Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=r"^[^\x00]*$")]


SHIPPED: tuple[str, ...] = ("en", "de", "fr", "es", "ar")
"""Languages in which the app's own words, and labels that a study leaves out, are shipped."""

Expression = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""An expression of the language of ``expressions``."""


class Text(RootModel[Words | dict[str, Words]]):
    """A text: plain (in the default language), or one per language."""

    model_config = ConfigDict(frozen=True)

    def say(self, language: str = "", default: str = "") -> str:
        """The text in a language, else in the default one, else in any."""
        return self.spoken(language, default)[0]

    def spoken(self, language: str = "", default: str = "") -> tuple[str, str]:
        """The text as ``say`` finds it, and the language in which that is.

        A text in ``de`` also serves ``de-AT``.
        """
        if isinstance(self.root, str):
            return self.root, default
        for wanted in (language, base_of(language), default, base_of(default)):
            if wanted in self.root:
                return self.root[wanted], wanted
        first = next(iter(self.root), "")
        return self.root.get(first, ""), first

    def missing(self, languages: tuple[str, ...]) -> list[str]:
        """Languages of the study that this text lacks."""
        if isinstance(self.root, str):
            return list(languages[1:])
        return [x for x in languages if x not in self.root and base_of(x) not in self.root]

    def __str__(self) -> str:
        return self.say()

    def __hash__(self) -> int:
        return hash(self.root if isinstance(self.root, str) else tuple(sorted(self.root.items())))


def base_of(language: str) -> str:
    """The language without its region: ``de`` of ``de-AT``."""
    return language.partition("-")[0]


def shipped(*texts: str) -> Text:
    """A text that every shipped language has, in the order of ``SHIPPED``."""
    return Text(dict(zip(SHIPPED, texts, strict=True)))


def given_texts(part: object, path: str) -> Iterator[tuple[str, Text]]:
    """The texts that a study gives (not those it leaves to the app), with their places."""
    if isinstance(part, Text):
        yield path, part
    elif isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            if name in part.model_fields_set:
                place = f"{path}.{field.alias or name}".lstrip(".")
                yield from given_texts(getattr(part, name), place)
    elif isinstance(part, tuple):
        for n, element in enumerate(part):
            yield from given_texts(element, f"{path}[{n}]")
    elif isinstance(part, dict):
        for name, element in part.items():
            yield from given_texts(element, f"{path}.{name}")


def put_first(text: Text, language: str) -> None:
    """Let a text speak a language where none is asked for; what it says does not change."""
    said = text.root
    if isinstance(said, dict) and language in said and next(iter(said)) != language:
        rest = {name: words for name, words in said.items() if name != language}
        first = said[language]
        said.clear()
        said |= {language: first, **rest}
