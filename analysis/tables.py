"""The tables: their columns, and the check of choices against a study.

A table is read once, checked as a whole, and every fault is listed with its row.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.study import Attribute, ChoiceExercise

RESPONDENT_COLUMNS = (
    "respondent",
    "customer",
    "study_version",
    "wave",
    "run_kind",
    "language",
    "cell",
    "weight",
    "started",
    "completed",
    "ended",
)
RUN_KINDS = ("live", "test", "bot")
ANSWER_COLUMNS = ("respondent", "question", "item", "value", "status")
ANSWER_STATUSES = ("answered", "not_asked", "skipped", "refused", "computed", "unknown")
"""The last two are of computed variables: with a value, and where it cannot be computed."""
ORDER_COLUMNS = ("respondent", "of", "place", "position", "part")
"""What was shuffled for a respondent: pages, entries, questions, options or items."""
CHOICE_COLUMNS = ("respondent", "task", "alternative", "chosen")
ROLES = ("estimation", "holdout")
CUSTOMER_COLUMNS = (
    "customer",
    "recency_days",
    "frequency",
    "monetary",
    "points",
    "weekly_mean",
    "lower_limit",
    "upper_limit",
    "state",
    "first_purchase",
    "last_13_weeks",
    "before_13_weeks",
    "spend_52_weeks",
    "sale_share",
    "signed_points",
    "last_week",
    "days_52_weeks",
    "days_last_13_weeks",
    "days_before_39_weeks",
)
"""Customer scores."""
ALARM_COLUMNS = (
    "customer",
    "alarm",
    "chance",
    "days_last_13_weeks",
    "expected_13_weeks",
    "days_before",
    "weeks_before",
    "rate_before",
    "rate_now",
    "spend_a_purchase",
    "spend_at_risk",
    "alarmed_on",
    "alarm_13_weeks_ago",
)
"""Answers of the alarm of win-back."""
BEHAVIOUR_COLUMNS = (
    "respondent",
    "customer",
    "until",
    "points",
    "points_place",
    "retention",
    "event_periods",
    "loyalty_periods",
)
"""What linked respondents had done before they answered; see ``customers.behaviour``."""
BOUGHT = "bought"
"""The second question of a dual-response none: would the respondent buy the one chosen?"""
POSITION = "position"
"""Where an alternative stood on its page (1, 2, ...), when their order is random."""
SHOWN = 50
LISTED = 500

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TableFault:
    """One thing wrong with a table; ``row`` is the line of the file (0: the whole table)."""

    row: int
    column: str
    fact: str
    mend: str

    def __str__(self) -> str:
        row = f"row {self.row}" if self.row else ""
        column = f"column '{self.column}'" if self.column else ""
        place = ", ".join(part for part in (row, column) if part) or "table"
        return f"{place}: {self.fact}. {self.mend}."


class TableFaults(ValueError):
    """All faults of one table, raised together; ``str`` shows the first 50 and how many follow."""

    def __init__(self, faults: Sequence[TableFault], *, table: str = "table") -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.row))
        count = len(self.faults)
        lines = [f"{count} fault{'s' if count != 1 else ''} in the {table}"]
        lines += [f"- {fault}" for fault in self.faults[:SHOWN]]
        if count > SHOWN:
            lines.append(f"- and {count - SHOWN} more")
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Choices:
    """Checked choices of one exercise.

    Attributes
    ----------
    exercise
        The exercise the choices belong to.
    frame
        One row per alternative: respondent (text), task and alternative (numbers, or text when
        the file names them), chosen (bool), role ('estimation' or 'holdout'), block when the table
        has it, then one column per attribute: level ids (categorical text), or floats for an
        attribute with a range. The none alternative has missing attribute cells; with a
        dual-response none there is no such row, and the column bought (bool) instead. A task is
        identified by respondent and task together; rows may stand in any order.
    notes
        What a reader should know: columns not used, alternatives not offered everywhere.
    """

    exercise: ChoiceExercise
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_choices(
    path: Path | str, exercise: ChoiceExercise, *, mapping: Mapping[str, str] | None = None
) -> Choices:
    """Read choices from CSV or CSV.gz in long format, one row per alternative.

    Parameters
    ----------
    path
        A file with the columns respondent, task, alternative, chosen (0/1 or true/false) and one
        per attribute; role and block are optional. Comma, semicolon or tab between the cells.
    exercise
        The exercise whose attributes and levels the file must keep to.
    mapping
        Names of the file by names of the table: ``{"respondent": "id"}``.

    With a dual-response none the file needs also bought (0/1): the answer to the second question,
    the same in all rows of a task, and has no row for the none alternative.

    Raises
    ------
    TableFaults
        With every fault, each with the line of the file on which the row starts (the header is
        line 1).
    OSError
        When the file cannot be opened.
    """
    second = [BOUGHT] if exercise.is_dual else []
    known = [*CHOICE_COLUMNS, *second, "role", "block", *(a.id for a in exercise.attributes)]
    cells = read_cells(path, known, mapping or {}, table="choices")
    with at_lines_of(path, table="choices"):
        return check_choices(cells, exercise, first_row=2)


@contextmanager
def at_lines_of(path: Path | str, *, table: str) -> Iterator[None]:
    """Let faults found in the rows of a file name its lines, which quoted cells may span."""
    try:
        yield
    except TableFaults as found:
        lines = _first_lines(Path(path))
        faults = [replace(f, row=lines.get(f.row, f.row)) for f in found.faults]
        raise TableFaults(faults, table=f"file of {table}") from None


def read_cells(
    path: Path | str, known: Sequence[str], mapping: Mapping[str, str], *, table: str
) -> pd.DataFrame:
    """The cells of a CSV file as text, columns renamed by a mapping of ``known`` names.

    Raises TableFaults, or OSError when the file cannot be opened; ``table`` says of what.
    """
    try:
        return _read(Path(path), known, mapping, table)
    except UnicodeDecodeError:
        fault = TableFault(0, "", "the file is not UTF-8 text", "Save it as UTF-8")
    except pd.errors.EmptyDataError:
        fault = TableFault(0, "", "the file is empty", "Write a header and the rows into it")
    except pd.errors.ParserError as error:
        found = re.search(r"line (\d+)", str(error))
        row, why = int(found[1]) if found else 0, str(error).strip().rstrip(".")
        quoted = re.search(r"EOF inside string starting at row (\d+)", why)
        if quoted:
            row, why = int(quoted[1]) + 1, "a quoted cell that starts here has no end"
        mend = "Close the quotes" if quoted else "Give every row as many cells as the header"
        fault = TableFault(row, "", why, mend)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        fault = TableFault(0, "", "the file cannot be unpacked", "Pack it again with gzip")
    raise TableFaults([fault], table=f"file of {table}")


def check_choices(frame: pd.DataFrame, exercise: ChoiceExercise, *, first_row: int = 1) -> Choices:
    """Check a frame of choices in long format; see ``read_choices``.

    ``first_row`` is the number that faults give to the first row of the frame.
    """
    attributes = [a.id for a in exercise.attributes]
    asked = (*CHOICE_COLUMNS, BOUGHT) if exercise.is_dual else CHOICE_COLUMNS
    absent = [c for c in (*asked, *attributes) if c not in frame.columns]
    if absent:
        shown = ", ".join(str(c) for c in frame.columns)
        mend = f"Add it, or map one of: {shown}"
        raise TableFaults([TableFault(0, c, "the column is missing", mend) for c in absent])
    kept = frame.reset_index(drop=True).dropna(how="all")
    if kept.empty:
        raise TableFaults([TableFault(0, "", "the table has no rows", "Add the choices")])
    check = Check(kept, exercise, kept.index.to_numpy() + first_row)
    table = check.table()
    if check.faults:
        raise TableFaults(check.faults, table="choices")
    used = {*asked, "role", "block", "exercise", *extra_columns(exercise), *attributes}
    extra = [str(c) for c in frame.columns if c not in used]
    if extra:
        check.notes.append(f"columns not used: {', '.join(extra)}")
    return Choices(exercise, table, tuple(check.notes))


def start_check(
    frame: pd.DataFrame,
    exercise: ChoiceExercise,
    columns: Sequence[str],
    *,
    first_row: int,
    table: str,
    places: Sequence[str] = (),
) -> Check:
    """A check of a table that has these columns and a row; notes the columns it does not use.

    ``places`` are columns of an archive that say where a row was shown; they may be there.
    Raises TableFaults when columns or rows are missing; ``table`` says of what.
    """
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        mend = f"Add it, or map one of: {', '.join(str(c) for c in frame.columns)}"
        faults = [TableFault(0, name, "the column is missing", mend) for name in absent]
        raise TableFaults(faults, table=table)
    kept = frame.reset_index(drop=True).dropna(how="all")
    if kept.empty:
        fault = TableFault(0, "", "the table has no rows", f"Add the {table}")
        raise TableFaults([fault], table=table)
    check = Check(kept, exercise, kept.index.to_numpy() + first_row)
    extra = [str(c) for c in frame.columns if c not in {*columns, *places}]
    if extra:
        check.notes.append(f"columns not used: {', '.join(extra)}")
    return check


def extra_columns(exercise: ChoiceExercise) -> tuple[str, ...]:
    """Columns of its table that an exercise has by its own rules, such as the second question."""
    second = (BOUGHT,) if exercise.is_dual else ()
    return (*second, POSITION) if exercise.alternative_order == "random" else second


def _read(path: Path, known: Sequence[str], mapping: Mapping[str, str], table: str) -> pd.DataFrame:
    mend = f"Map one of: {', '.join(known)}"
    faults = [
        TableFault(0, name, f"the mapping names a column that no table of {table} has", mend)
        for name in mapping
        if name not in known
    ]
    separator, header = _header(path)
    faults += [
        TableFault(1, name, "the column stands twice", "Keep one of them")
        for name in sorted({name for name in header if header.count(name) > 1})
    ]
    faults += [
        TableFault(0, name, f"the file has no column '{source}' to map", f"It has: {header}")
        for name, source in mapping.items()
        if name in known and source not in header
    ]
    if faults:
        raise TableFaults(faults, table=f"file of {table}")
    if len(header) == 1 < len(known) and header[0] not in known:
        mend = "Separate the cells by comma, semicolon or tab"
        fact = f"the header has one cell, '{header[0][:60]}'"
        raise TableFaults([TableFault(1, "", fact, mend)], table=f"file of {table}")
    names = {source: name for name, source in mapping.items()}
    frame = pd.read_csv(
        path,
        sep=separator,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
        index_col=False,
        encoding="utf-8-sig",
        header=0,
        names=header,
    )
    clash = [name for source, name in names.items() if name in header and name not in names]
    return frame.drop(columns=clash).rename(columns=names)


def _header(path: Path) -> tuple[str, list[str]]:
    """The separator of a file and the names in its first row."""
    line = pd.read_csv(
        path, header=None, nrows=1, sep="\x01", dtype=str, quoting=3, encoding="utf-8-sig"
    )
    text = str(line.iloc[0, 0])
    separator = max(",;\t", key=text.count)
    return separator, [cell.strip() for cell in next(csv.reader([text], delimiter=separator))]


def _first_lines(path: Path) -> dict[int, int]:
    """On which line each row of a file starts: quoted cells may hold line breaks."""
    unpacked = gzip.open if path.suffix == ".gz" else open
    lines, start = {}, 1
    with unpacked(path, "rt", encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=_header(path)[0])
        for row, _ in enumerate(reader, start=1):
            lines[row] = start
            start = reader.line_num + 1
    return lines


def _coded(column: pd.Series[Any]) -> tuple[Codes, list[str]]:
    """Each cell as a number into the distinct texts of the column; -1 for an empty cell."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(np.int64), list(column.cat.categories)
    else:
        found, uniques = pd.factorize(column)
        codes, values = found.astype(np.int64), list(uniques)
    places: dict[str, int] = {}
    recoded = np.empty(len(values) + 1, dtype=np.int64)
    for n, value in enumerate(values):
        text = _text(value)
        recoded[n] = places.setdefault(text, len(places)) if text else -1
    recoded[-1] = -1
    return recoded[codes], list(places)


def _text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _no_level(text: str) -> str:
    return f"'{text[:40]}' is not a level{_comma(text)}"


def _comma(text: str) -> str:
    """What to say of a number with a decimal comma."""
    point = text.replace(",", ".")
    return f" (write {point})" if "," in text and np.isfinite(_as_number(point)) else ""


def _as_number(text: str) -> float:
    try:
        return float(text) if "_" not in text else np.nan
    except ValueError:
        return np.nan


class Check:
    """One pass over a table of choices: collects faults and notes, gives the checked table."""

    def __init__(self, frame: pd.DataFrame, exercise: ChoiceExercise, rows: Codes) -> None:
        self.frame = frame
        self.exercise = exercise
        self.rows = rows
        self.faults: list[TableFault] = []
        self.notes: list[str] = []

    def table(self) -> pd.DataFrame:
        """The checked table; only sound when no fault was found."""
        respondent, respondents = self.required("respondent")
        task, tasks = self.required("task")
        alternative, alternatives = self.required("alternative")
        chosen = self.truth("chosen", "Write 1 for the choice, 0 otherwise")
        columns: dict[str, Any] = {
            "respondent": np.array(respondents, dtype=object)[respondent],
            "task": _numbers_or_texts(tasks)[task],
            "alternative": _numbers_or_texts(alternatives)[alternative],
            "chosen": chosen,
            "role": self._role(),
        }
        if "block" in self.frame.columns:
            columns["block"] = self.frame["block"].to_numpy()
        if self.exercise.is_dual:
            columns[BOUGHT] = self.truth(BOUGHT, "Write 1 for would buy, 0 for would not")
        columns |= self.attributes()
        if not any(f.column in ("respondent", "task", "alternative") for f in self.faults):
            keys = respondent * len(tasks) + task
            sets = pd.factorize(keys)[0].astype(np.int64)
            self._sets(sets, alternative, len(alternatives), chosen, columns)
        return pd.DataFrame(columns).astype({"respondent": "str"})

    def required(self, column: str) -> tuple[Codes, list[str]]:
        """Codes and texts of a column without empty cells."""
        codes, texts = _coded(self.frame[column])
        self.note(codes < 0, column, "the cell is empty", f"Give the {column}")
        return codes, texts or [""]

    def note(self, where: Mask, column: str, fact: str, mend: str) -> None:
        """Add one fault a row, and say how many are left out when there are very many."""
        places = np.flatnonzero(where)
        for place in places[:LISTED]:
            self.faults.append(TableFault(int(self.rows[place]), column, fact, mend))
        if len(places) > LISTED:
            more = f"{fact} (in {len(places) - LISTED} further rows)"
            self.faults.append(TableFault(int(self.rows[places[LISTED]]), column, more, mend))

    def _note_values(
        self, codes: Codes, texts: list[str], bad: dict[int, str], column: str, mend: str
    ) -> None:
        """Add the faults of cells whose value is wrong: {place in ``texts``: fact}."""
        for place, fact in bad.items():
            self.note(codes == place, column, fact, mend)

    def truth(self, column: str, mend: str) -> Mask:
        """A column of 0 and 1, or false and true."""
        codes, texts = _coded(self.frame[column])
        truth = {"1": True, "true": True, "0": False, "false": False}
        truth |= {"1.0": True, "0.0": False}
        values = [truth.get(text.lower()) for text in texts]
        bad = {n: f"'{texts[n][:40]}' is not 0 or 1" for n, v in enumerate(values) if v is None}
        self.note(codes < 0, column, "the cell is empty", "Write 1 or 0")
        self._note_values(codes, texts, bad, column, mend)
        return np.array([*(v is True for v in values), False])[codes]

    def _role(self) -> Any:
        if "role" not in self.frame.columns:
            return _categories(np.zeros(len(self.frame), dtype=np.int64), ROLES)
        codes, texts = _coded(self.frame["role"])
        bad = {n: f"'{t[:40]}' is no role" for n, t in enumerate(texts) if t not in ROLES}
        mend = f"Write one of: {', '.join(ROLES)}"
        self.note(codes < 0, "role", "the cell is empty", mend)
        self._note_values(codes, texts, bad, "role", mend)
        places = np.array([*(ROLES.index(t) if t in ROLES else 0 for t in texts), 0])
        return _categories(places[codes], ROLES)

    def attributes(self) -> dict[str, Any]:
        """The columns of the attributes, as levels or numbers."""
        coded = {a.id: _coded(self.frame[a.id]) for a in self.exercise.attributes}
        empty = np.stack([codes < 0 for codes, _ in coded.values()])
        none: Mask = np.asarray(empty.all(axis=0))
        if self.exercise.is_dual:
            self.note(
                none,
                "",
                "no attribute has a level, but this none is asked in a second question",
                f"Leave the row out, and answer in the column '{BOUGHT}'",
            )
        elif self.exercise.none is None:
            self.note(
                none,
                "",
                "no attribute has a level, as in a none alternative, but the exercise has no none",
                "Add 'none:' to the exercise, or fill in the levels",
            )
        for attribute, missing in zip(self.exercise.attributes, empty, strict=True):
            mend = "Give the level; only a none alternative has no levels, and then in no column"
            self.note(missing & ~none, attribute.id, "the cell is empty", mend)
        return {a.id: self._cells(a, *coded[a.id]) for a in self.exercise.attributes}

    def _cells(self, attribute: Attribute, codes: Codes, texts: list[str]) -> Any:
        if attribute.range:
            return self._numbers(attribute, codes, texts)
        places = {level.id: n for n, level in enumerate(attribute.levels)}
        numbers = {
            level.number: n for n, level in enumerate(attribute.levels) if level.number is not None
        }
        found = [places.get(text, numbers.get(_as_number(text), -1)) for text in texts]
        bad = {n: _no_level(texts[n]) for n, at in enumerate(found) if at < 0}
        self._note_values(codes, texts, bad, attribute.id, f"Use one of: {', '.join(places)}")
        return _categories(np.array([*found, -1])[codes], tuple(places))

    def _numbers(self, attribute: Attribute, codes: Codes, texts: list[str]) -> NDArray[Any]:
        assert attribute.range is not None
        low, high = attribute.range.least, attribute.range.greatest
        values = np.array([*(_as_number(text) for text in texts), np.nan])
        bad = {}
        for n, value in enumerate(values[:-1]):
            if not np.isfinite(value):
                bad[n] = f"'{texts[n][:40]}' is not a number{_comma(texts[n])}"
            elif not low <= value <= high:
                bad[n] = f"{value:g} is outside the range {low:g} to {high:g}"
        mend = f"Give a number from {low:g} to {high:g}"
        self._note_values(codes, texts, bad, attribute.id, mend)
        return values[codes]

    def _sets(
        self,
        sets: Codes,
        alternative: Codes,
        n_alternatives: int,
        chosen: Mask,
        columns: dict[str, Any],
    ) -> None:
        first = pd.Series(sets).drop_duplicates().index.to_numpy()
        sizes = np.bincount(sets)
        counts = np.bincount(sets, weights=chosen)
        repeated = pd.Series(sets * n_alternatives + alternative).duplicated().to_numpy()
        self.note(
            repeated,
            "alternative",
            "this alternative stands twice in its task",
            "Number alternatives 1, 2, ... within a task; give each task of a person its own id",
        )
        judged = [
            (sizes < 2, "alternative", "the task has one alternative", "Add the others"),
            (counts == 0, "chosen", "nothing is chosen in this task", "Mark the chosen row"),
            (counts > 1, "chosen", "several are chosen in this task", "Mark only one row"),
        ]
        if not any(fault.column == "chosen" for fault in self.faults):
            for where, column, fact, mend in judged:
                self.note(_at(first[where], len(sets)), column, fact, mend)
        holdout = columns["role"].codes == 1
        mixed = np.bincount(sets, weights=holdout) % sizes != 0
        self.note(
            _at(first[mixed], len(sets)),
            "role",
            "a task is partly holdout",
            "Give all rows of a task one role",
        )
        if BOUGHT in columns:
            mixed = np.bincount(sets, weights=columns[BOUGHT]) % sizes != 0
            self.note(
                _at(first[mixed], len(sets)),
                BOUGHT,
                "the answer differs between the rows of a task",
                "Give all rows of a task the same answer",
            )
        levels = [columns[a.id] for a in self.exercise.attributes]
        none = np.logical_and.reduce([pd.isna(cells) for cells in levels])
        several = np.bincount(sets, weights=none) > 1
        fact = "a task has several alternatives without levels"
        self.note(_at(first[several], len(sets)), "", fact, "Keep one none alternative a task")
        if len(sizes) > 1 and len(set(alternative[chosen].tolist())) == 1:
            same = columns["alternative"][chosen][0]
            self.notes.append(
                f"alternative {same} is chosen in every task: do answers vary at all?"
            )
        if len(set(sizes.tolist())) > 1:
            self.notes.append(
                f"tasks have {sizes.min()} to {sizes.max()} alternatives: "
                "those without a row count as not offered"
            )


def _categories(codes: Codes, names: tuple[str, ...]) -> Any:
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))


def _at(places: Codes, length: int) -> Mask:
    where = np.zeros(length, dtype=bool)
    where[places] = True
    return where


def _numbers_or_texts(texts: list[str]) -> NDArray[Any]:
    """Whole numbers when all texts are (and none is lost that way), else the texts."""
    if all(text.isascii() and text.isdigit() and str(int(text)) == text for text in texts):
        return np.array([int(text) for text in texts], dtype=np.int64)
    return np.array(texts, dtype=object)
