"""What every part of a study is made of: frozen fields, ids, and texts in several languages."""

from __future__ import annotations

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


Expression = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""An expression of the language of ``expressions``."""


class Text(RootModel[Words | dict[str, Words]]):
    """A text: plain (in the default language), or one per language."""

    model_config = ConfigDict(frozen=True)

    def say(self, language: str = "", default: str = "") -> str:
        """The text in a language, else in the default one, else in any."""
        if isinstance(self.root, str):
            return self.root
        for wanted in (language, default):
            if wanted in self.root:
                return self.root[wanted]
        return next(iter(self.root.values()), "")

    def missing(self, languages: tuple[str, ...]) -> list[str]:
        """Languages of the study that this text lacks."""
        if isinstance(self.root, str):
            return list(languages[1:])
        return [language for language in languages if language not in self.root]

    def __str__(self) -> str:
        return self.say()
