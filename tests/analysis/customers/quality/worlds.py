"""Careful and careless respondents whose truth is known."""

from __future__ import annotations

import numpy as np

from analysis.study.load import parse_study
from analysis.study.types import Study


def rated_study(plan: str = "", *, items: int = 6, more: str = "") -> Study:
    """Two matrices of ``items`` statements on five points; the last of each is reversed."""
    constructs = "constructs:\n  - {id: value, label: Value, facet: functional_value}\n"
    pages = ""
    for name in ("first", "second"):
        pages += f"  - id: page_{name}\n    questions:\n      - id: {name}\n        kind: matrix\n"
        pages += "        text: How much do you agree with each of these statements?\n"
        pages += "        scale: [Not at all, Little, Partly, Mostly, Fully]\n        items:\n"
        for n in range(items):
            turned = ", reversed: true" if n == items - 1 else ""
            pages += (
                f"          - {{id: i{n}, text: Statement number {n}, measures: value{turned}}}\n"
            )
    text = f"study: rated\ntitle: Rated\n{constructs}pages:\n{pages}{more}"
    return parse_study(text + (f"analysis:\n  quality: {{{plan}}}\n" if plan else ""))


def rated_answers(
    n: int, rng: np.random.Generator, *, items: int = 6, correlation: float = 0.45, lines: int = 0
) -> dict[str, dict[tuple[str, str], str]]:
    """Careful answers to ``rated_study``; the first ``lines`` respondents draw straight lines."""
    person = rng.standard_normal((n, 1)) * np.sqrt(correlation)
    noise = rng.standard_normal((n, 2 * items)) * np.sqrt(1 - correlation)
    latent = person + noise + 0.4
    latent[:, [items - 1, 2 * items - 1]] *= -1
    given = np.digitize(latent, [-1.5, -0.5, 0.5, 1.5]) + 1
    given[:lines] = rng.integers(1, 6, size=(lines, 1))
    columns = [(name, f"i{k}") for name in ("first", "second") for k in range(items)]
    return {
        f"r{row:04d}": {key: str(value) for key, value in zip(columns, values, strict=True)}
        for row, values in enumerate(given)
    }


def page_times(
    n: int, rng: np.random.Generator, *, pages: int = 10, fast: int = 0, tasks: bool = False
) -> dict[str, dict[str, float]]:
    """Seconds by respondent and step: readers differ, some are interrupted; the first are fast."""
    typical = rng.uniform(2.0, 3.5, size=pages)
    reader = rng.normal(0, 0.3, size=(n, 1))
    logs = typical + reader + rng.normal(0, 0.4, size=(n, pages))
    logs += np.where(rng.random((n, pages)) < 0.05, rng.exponential(1.5, size=(n, pages)), 0)
    logs[:fast] -= np.log(4)
    names = [f"page.{k + 1}" if tasks else f"page_{k}" for k in range(pages)]
    return {
        f"r{row:04d}": dict(zip(names, np.exp(values).tolist(), strict=True))
        for row, values in enumerate(logs)
    }
