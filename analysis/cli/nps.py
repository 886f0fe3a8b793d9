"""``python -m analysis nps``: the Net Promoter Score of a column of a CSV file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from analysis.cli.bad_input import BadInput


@dataclass(frozen=True, slots=True)
class Rated:
    """One answer of the file: its rating, weight and group."""

    rating: int
    weight: float
    group: str


@click.command("nps")
@click.argument("ratings", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--column", required=True, help="Column with the 0 to 10 answers; blanks are skipped."
)
@click.option("--weight", default=None, help="Column with a positive weight for each answer.")
@click.option("--by", default=None, help="Column whose values are scored apart as well.")
def nps(ratings: Path, column: str, weight: str | None, by: str | None) -> None:
    """Net Promoter Score of a CSV file, as JSON on stdout."""
    rated, missing = _read(ratings, column, weight, by)
    result = {**_figures(rated, weighted=weight is not None), "missing": missing}
    if by is not None:
        names = sorted({answer.group for answer in rated})
        result["groups"] = {
            name: _figures([r for r in rated if r.group == name], weighted=weight is not None)
            for name in names
        }
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _figures(rated: list[Rated], *, weighted: bool) -> dict[str, object]:
    from analysis.ratings.nps import net_promoter_score

    weights = [answer.weight for answer in rated] if weighted else None
    score = net_promoter_score([answer.rating for answer in rated], weights=weights)
    estimate = score.estimate
    return {
        "n": score.n,
        "promoters": score.promoters,
        "passives": score.passives,
        "detractors": score.detractors,
        "nps": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "method": estimate.method,
        **({} if estimate.available else {"reason": estimate.reason}),
    }


def _read(path: Path, column: str, weight: str | None, by: str | None) -> tuple[list[Rated], int]:
    """The answers of a file and how many are blank; exits with every faulty row."""
    rows = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    header = rows.fieldnames or []
    absent = [name for name in (column, weight, by) if name is not None and name not in header]
    if absent:
        _refuse(
            path,
            [f"there is no column '{name}'. The file has: {', '.join(header)}." for name in absent],
        )
    rated: list[Rated] = []
    faults: list[str] = []
    missing = 0
    try:
        for row in rows:
            if not (row[column] or "").strip():
                missing += 1
                continue
            found = _rated(row, column, weight, by)
            if isinstance(found, Rated):
                rated.append(found)
            else:
                faults += [f"row {rows.line_num}: {fault}" for fault in found]
    except csv.Error as error:
        faults.append(f"row {rows.line_num}: the row cannot be read ({error}).")
    if faults:
        _refuse(path, faults)
    return rated, missing


def _rated(
    row: dict[str, str | None], column: str, weight: str | None, by: str | None
) -> Rated | list[str]:
    faults: list[str] = []
    rating = _number(row[column])
    if not 0 <= rating <= 10 or rating != int(rating):
        faults.append(f"'{row[column]}' in '{column}' is not 0 to 10. Write a whole number.")
    weighs = 1.0 if weight is None else _number(row[weight])
    if not 0 < weighs < math.inf:
        cell = row[weight or ""] or ""
        faults.append(f"the weight '{cell}' is not above zero. Write a positive number.")
    return faults or Rated(int(rating), weighs, (row[by] or "").strip() if by else "")


def _number(cell: str | None) -> float:
    try:
        return float(cell or "")
    except ValueError:
        return math.nan


def _text(path: Path) -> str:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return content.decode("utf-8-sig")
    except (UnicodeDecodeError, gzip.BadGzipFile) as error:
        _refuse(path, [f"the file is not UTF-8 text ({error}). Save it as UTF-8."])


def _refuse(path: Path, faults: list[str]) -> NoReturn:
    """Exit with 2 and all faults on stderr; row 1 is the header."""
    count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
    raise BadInput("\n".join([f"{count} in {path.name}", *(f"- {f}" for f in faults)]))
