"""``python -m analysis nps``: the Net Promoter Score of a column of a CSV file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

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
    header, rows = _rows(path)
    _check_header(path, header, [name for name in (column, weight, by) if name is not None])
    rated: list[Rated] = []
    faults: list[str] = []
    missing = 0
    for line, cells in rows:
        if isinstance(cells, str):
            faults.append(f"row {line}: the row cannot be read ({cells}).")
        elif len(cells) != len(header):
            faults.append(f"row {line}: the row has {len(cells)} cells, the header {len(header)}.")
        else:
            row = dict(zip(header, cells, strict=True))
            if not row[column].strip():
                missing += 1
                continue
            found = _rated(row, column, weight, by)
            if isinstance(found, Rated):
                rated.append(found)
            else:
                faults += [f"row {line}: {fault}" for fault in found]
    if faults:
        _refuse(path, faults)
    return rated, missing


def _rows(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str] | str]]]:
    """The names in the header, and each row with the line on which it starts (str: a fault)."""
    text = _text(path)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = _numbered(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    _, header = next(rows, (1, []))
    if isinstance(header, str):
        _refuse(path, [f"the header cannot be read ({header})."])
    if not header:
        _refuse(path, ["the file has no header. Write the names of the columns first."])
    return [name.strip() for name in header], rows


def _numbered(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Rows with the line on which they start; the first is the header, blank lines are left out."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, str(error)
            continue
        if cells or line == 1:
            yield line, cells


def _check_header(path: Path, header: list[str], wanted: list[str]) -> None:
    faults = [
        f"there is no column '{name}'. The file has: {', '.join(header)}."
        for name in wanted
        if name not in header
    ]
    faults += [
        f"the column '{name}' stands {header.count(name)} times. Keep one of them."
        for name in dict.fromkeys(wanted)
        if header.count(name) > 1
    ]
    if faults:
        _refuse(path, faults)


def _rated(
    row: dict[str, str], column: str, weight: str | None, by: str | None
) -> Rated | list[str]:
    faults: list[str] = []
    rating = _number(row[column])
    if not 0 <= rating <= 10 or rating != int(rating):
        faults.append(f"'{row[column]}' in '{column}' is not 0 to 10. Write a whole number.")
    weighs = 1.0 if weight is None else _number(row[weight])
    if not 0 < weighs < math.inf:
        cell = row[weight or column]
        faults.append(f"the weight '{cell}' is not above zero. Write a positive number.")
    return faults or Rated(int(rating), weighs, row[by].strip() if by else "")


def _number(cell: str) -> float:
    try:
        return float(cell) if "_" not in cell else math.nan
    except ValueError:
        return math.nan


def _text(path: Path) -> str:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        _refuse(path, [f"the file cannot be unpacked ({error}). Pack it again with gzip."])
    except UnicodeDecodeError as error:
        _refuse(path, [f"the file is not UTF-8 text ({error}). Save it as UTF-8."])


def _refuse(path: Path, faults: list[str]) -> NoReturn:
    """Exit with 2 and all faults on stderr; rows are named by the line on which they start."""
    count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
    raise BadInput("\n".join([f"{count} in {path.name}", *(f"- {f}" for f in faults)]))
