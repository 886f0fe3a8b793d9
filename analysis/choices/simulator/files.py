"""Part-worths of a folder that ``partworths`` or an analysis wrote. NumPy and the standard library.

draws.npy is mapped into memory, never read whole.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from analysis.choices.coding import Coding
from analysis.choices.simulator.worths import (
    MOST_CELLS,
    NoWorths,
    Singles,
    Worths,
    from_classes,
    from_draws,
    from_logit,
    from_means,
)

DRAWS, NAMES = "draws.npy", "draws.json"
HOW = (
    "Run 'python -m analysis partworths STUDY.yaml CHOICES.csv --estimator hb --save-draws --out "
    "DIR', and name DIR"
)


def has_draws(folder: Path) -> bool:
    """Whether a folder holds draws of respondents."""
    return (folder / DRAWS).is_file() and (folder / NAMES).is_file()


def are_final(folder: Path) -> bool:
    """Whether the chains of the draws agreed, as far as a folder says."""
    try:
        return bool(json.loads((folder / NAMES).read_text(encoding="utf-8")).get("final", True))
    except (OSError, ValueError, AttributeError):
        return True


def read_worths(folder: Path, coding: Coding, *, seed: int, cells: int = MOST_CELLS) -> Worths:
    """The best that a folder holds: draws, else means of respondents, classes or a logit.

    Raises
    ------
    NoWorths
        When it holds nothing that can be simulated, or of another exercise; with what to do.
    """
    if has_draws(folder):
        return read_draws(folder, coding, seed=seed, cells=cells)
    summary = _summary(folder)
    estimator = summary.get("estimator")
    if estimator == "hb" and (folder / "individual.csv").is_file():
        return _means(folder, coding, seed)
    if estimator == "mnl":
        return _logit(folder, coding, summary, seed)
    if estimator == "latent-class":
        return _classes(folder, coding, summary, seed)
    said = f"part-worths of '{estimator}'" if estimator else "no part-worths that it can read"
    raise NoWorths(f"'{folder}' holds {said}; a simulation needs saved draws. {HOW}.")


def read_draws(folder: Path, coding: Coding, *, seed: int, cells: int = MOST_CELLS) -> Worths:
    """Draws of everybody, mapped into memory; NoWorths when they do not fit the exercise."""
    try:
        names = json.loads((folder / NAMES).read_text(encoding="utf-8"))
        beta = np.load(folder / DRAWS, mmap_mode="r", allow_pickle=False)
        columns, people = names["columns"], names["respondents"]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise NoWorths(f"'{folder}': the draws cannot be read ({error}). {HOW}.") from None
    _check_columns(folder, coding, columns)
    if beta.dtype != np.float32:
        raise NoWorths(f"'{folder}': the draws are {beta.dtype}, not float32")
    return from_draws(coding, people, beta.view(np.ndarray), seed=seed, cells=cells)


def _check_columns(folder: Path, coding: Coding, columns: list[str]) -> None:
    if list(columns) != coding.names:
        raise NoWorths(
            f"'{folder}' has part-worths of other columns ({', '.join(columns)}) than the exercise "
            f"'{coding.exercise.id}' ({', '.join(coding.names)}); name the study and the exercise "
            "that were estimated"
        )


def _summary(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _column(folder: Path, coding: Coding, rows: list[dict[str, str]]) -> Singles:
    """Coefficients (K,) from rows of levels: those of a coding are the part-worths of its names."""
    found = {
        f"{r['attribute']}:{r['level']}" if r["level"] else r["attribute"]: r["part_worth"]
        for r in rows
    }
    missing = [name for name in coding.names if name not in found]
    if missing:
        raise NoWorths(f"'{folder}' has no part-worth of {', '.join(missing)}")
    return np.array([float(found[name]) for name in coding.names], dtype=np.float32)


def _means(folder: Path, coding: Coding, seed: int) -> Worths:
    rows = _rows(folder / "individual.csv")
    missing = [name for name in coding.names if not rows or name not in rows[0]]
    if missing:
        raise NoWorths(f"'{folder}' has no part-worth of {', '.join(missing)}")
    beta = np.array([[float(r[name]) for name in coding.names] for r in rows], dtype=np.float32)
    return from_means(coding, [r["respondent"] for r in rows], beta, seed=seed)


def _logit(folder: Path, coding: Coding, summary: dict[str, Any], seed: int) -> Worths:
    beta = _column(folder, coding, _rows(folder / "partworths.csv"))
    try:
        found = json.loads((folder / "covariance.json").read_text(encoding="utf-8"))
        _check_columns(folder, coding, found["columns"])
        covariance = np.array(found["cluster"], dtype=float)
    except (OSError, KeyError) as error:
        raise NoWorths(
            f"'{folder}' has no covariance of its part-worths ({error}): with it come the "
            "intervals. Run 'partworths --estimator mnl' again"
        ) from None
    if found["why_no_intervals"]:
        raise NoWorths(f"'{folder}': no intervals, {found['why_no_intervals']}")
    return from_logit(coding, beta, covariance, n=int(summary["n_respondents"]), seed=seed)


def _classes(folder: Path, coding: Coding, summary: dict[str, Any], seed: int) -> Worths:
    count = int(summary["lowest_bic"])
    rows = [r for r in _rows(folder / "classes.csv") if int(r["classes"]) == count]
    beta = [
        _column(folder, coding, [r for r in rows if int(r["class"]) == k + 1]) for k in range(count)
    ]
    solution = next(s for s in summary["solutions"] if s["classes"] == count)
    if len(solution.get("scale_classes", ())) > 1:
        raise NoWorths(f"'{folder}': classes that differ in scale cannot be simulated yet. {HOW}.")
    names, chances = class_chances(folder)
    return from_classes(coding, names, np.array(beta), chances, seed=seed)


def class_chances(folder: Path) -> tuple[list[str], Singles]:
    """Respondents of a latent-class run, and their chances (N, C) of the classes of lowest BIC."""
    count = int(_summary(folder).get("lowest_bic", 0))
    path = folder / "membership.csv"
    if not count or not path.is_file():
        raise NoWorths(f"'{folder}' is no --out of 'partworths --estimator latent-class'")
    members = [r for r in _rows(path) if int(r["classes"]) == count]
    names = list(dict.fromkeys(r["respondent"] for r in members))
    at = {name: n for n, name in enumerate(names)}
    chances = np.zeros((len(names), count), dtype=np.float32)
    for r in members:
        chances[at[r["respondent"]], int(r["class"]) - 1] = float(r["probability"])
    return names, chances
