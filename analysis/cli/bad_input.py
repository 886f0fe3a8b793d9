"""Faults of the input, said on standard error with exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click


class BadInput(click.ClickException):
    """Something is wrong with what the caller gave."""

    exit_code = 2


@contextmanager
def bad_input(*kinds: type[Exception]) -> Iterator[None]:
    """Turn exceptions of these kinds, and files that cannot be opened, into ``BadInput``."""
    try:
        yield
    except OSError as error:
        name = f"'{error.filename}': " if error.filename else ""
        raise BadInput(f"{name}{error.strerror or error}") from None
    except kinds as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise BadInput(str(message)) from None
