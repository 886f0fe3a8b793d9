"""One study in one SQLite file: the hand-over from collection to analysis.

The file opens in any SQLite browser. It holds the study of every published version as JSON, typed
tables, and facts (name, value). It is written once and never altered.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from sqlite_utils import Database

from analysis.answered_tasks import LAYOUTS, Layout
from analysis.study import Study, StudyFaults, dump_study, parse_study
from analysis.tables import (
    ALARM_COLUMNS,
    ANSWER_COLUMNS,
    BEHAVIOUR_COLUMNS,
    CUSTOMER_COLUMNS,
    ON_OFFER_COLUMNS,
    ORDER_COLUMNS,
    RESPONDENT_COLUMNS,
)

FORMAT = 1
APPLICATION = 0x53565641
"""SQLite's application id, by which a file is known to be an archive."""
OUTCOME_COLUMNS = (
    "customer",
    "answered_on",
    "days_before",
    "spend_before",
    "weeks_before",
    "days_after",
    "spend_after",
    "weeks_after",
)
PAGE_TIME_COLUMNS = ("respondent", "turn", "step", "at")
"""Every page sent: the respondent's revision, the page or task, and when."""
KEYS = {
    "page_times": ["respondent", "turn"],
    "respondents": ["respondent"],
    "answers": ["respondent", "question", "item"],
    "customers": ["customer"],
    "alarms": ["customer"],
    "outcomes": ["customer"],
    "behaviour": ["respondent"],
    "on_offer": ["customer", "occasion", "product"],
    "orders": ["respondent", "of", "place", "position"],
}
_INTEGERS = [
    "study_version",
    "turn",
    "seed",
    "block",
    "chosen",
    "bought",
    "occasion",
    "position",
    "best",
    "worst",
    "profile",
    "rating",
    "recency_days",
    "frequency",
    "days_before",
    "days_after",
    "full_price_days_before",
    "days_52_weeks",
    "days_last_13_weeks",
    "days_before_39_weeks",
]
_REALS = [
    "weight",
    "price",
    "monetary",
    "points",
    "signed_points",
    "weekly_mean",
    "lower_limit",
    "upper_limit",
    "last_13_weeks",
    "before_13_weeks",
    "spend_52_weeks",
    "sale_share",
    "last_week",
    "spend_before",
    "spend_after",
    "weeks_before",
    "weeks_after",
    "points_place",
    "retention",
    "event_periods",
    "loyalty_periods",
]
_TYPES = {"INTEGER": int, "REAL": float, "TEXT": str}


class NotAnArchive(ValueError):
    """The file is not an archive that this program reads."""


def _no_alarms() -> pd.DataFrame:
    return pd.DataFrame(columns=list(ALARM_COLUMNS))


def _no_behaviour() -> pd.DataFrame:
    return pd.DataFrame(columns=list(BEHAVIOUR_COLUMNS))


def _nothing_on_offer() -> pd.DataFrame:
    return pd.DataFrame(columns=list(ON_OFFER_COLUMNS))


def _no_orders() -> pd.DataFrame:
    return pd.DataFrame(columns=list(ORDER_COLUMNS))


def _no_times() -> pd.DataFrame:
    return pd.DataFrame(columns=list(PAGE_TIME_COLUMNS))


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """A frozen study: definition, answers, choices, customers' scores and facts.

    Missing text is the empty text everywhere, but for the attributes of a none alternative, which
    are missing. Tables without rows stand for what is not there (no purchases, no answers).

    Attributes
    ----------
    versions
        The study by published version.
    respondents, answers, customers, alarms, outcomes, page_times
        As in docs/architecture.md, 'The tables'; further columns are kept. ``alarms`` has no rows
        where the alarm could not be calibrated, or the archive is older than it: the property
        ``no_alarm`` says why. ``page_times`` has none where they were not kept.
    choices
        One table per exercise id, with the columns of ``answered_tasks.LAYOUTS`` for its kind.
    facts
        study, version, as_of, currency of the ledger, ledger digest, seed, program, created ...
    """

    versions: Mapping[int, Study]
    respondents: pd.DataFrame
    answers: pd.DataFrame
    choices: Mapping[str, pd.DataFrame]
    customers: pd.DataFrame
    outcomes: pd.DataFrame
    facts: Mapping[str, str]
    alarms: pd.DataFrame = field(default_factory=_no_alarms)
    orders: pd.DataFrame = field(default_factory=_no_orders)
    """In which order things stood that were shuffled for a respondent; no rows: nothing was."""
    page_times: pd.DataFrame = field(default_factory=_no_times)
    behaviour: pd.DataFrame = field(default_factory=_no_behaviour)
    """What linked respondents had done before they answered; no rows: not in the archive."""
    on_offer: pd.DataFrame = field(default_factory=_nothing_on_offer)
    """Purchases of linked customers beside what was on offer; no rows: not in the archive."""

    @property
    def version(self) -> int:
        """The latest published version."""
        return max(self.versions)

    @property
    def study(self) -> Study:
        """The study as of the latest version."""
        return self.versions[self.version]

    @property
    def no_alarm(self) -> str:
        """Why there is no alarm of declining customers; empty where there is one."""
        before = "the archive was made before there was an alarm of declining customers"
        reason = self.facts.get("alarm", before)
        return "" if reason == "calibrated" else reason


def normalised(archive: Archive) -> Archive:
    """The same archive with typed columns, rows in the order of their keys, and no gaps in text.

    Two archives of the same content are equal afterwards, whatever order they were gathered in.

    Raises
    ------
    ValueError
        When there is no version, a column is missing, or a key stands twice; all faults at once.
    """
    faults = list(_faults(archive))
    if faults:
        raise ValueError("\n".join([f"{len(faults)} fault(s) in the archive", *faults]))
    return Archive(
        versions=dict(sorted(archive.versions.items())),
        respondents=_typed(archive.respondents, KEYS["respondents"]),
        answers=_typed(archive.answers, KEYS["answers"]),
        choices={
            name: _typed(frame, [*layout.key], _attributes(frame, layout))
            for name, frame in sorted(archive.choices.items())
            if (layout := _layout(archive.study, name))
        },
        customers=_typed(archive.customers, KEYS["customers"]),
        alarms=_typed(archive.alarms, KEYS["alarms"]),
        outcomes=_typed(archive.outcomes, KEYS["outcomes"]),
        behaviour=_typed(archive.behaviour, KEYS["behaviour"]),
        on_offer=_typed(archive.on_offer, KEYS["on_offer"]),
        orders=_typed(archive.orders, KEYS["orders"]),
        page_times=_typed(archive.page_times, KEYS["page_times"]),
        facts={name: str(value) for name, value in sorted(archive.facts.items())},
    )


def digest(archive: Archive) -> str:
    """SHA-256 over the content: the same for the same content, however the file was written."""
    content = normalised(archive)
    total = hashlib.sha256()
    for version, study in content.versions.items():
        total.update(f"version {version} {dump_study(study)}\n".encode())
    total.update(json.dumps(dict(content.facts), sort_keys=True).encode())
    for name, frame in _tables(content):
        total.update(f"\ntable {name} {','.join(frame.columns)}\n".encode())
        for row in _rows(frame):
            total.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    return total.hexdigest()


def write_archive(path: Path | str, archive: Archive) -> None:
    """Write an archive; either the whole file appears or none.

    Raises
    ------
    FileExistsError
        When there is already such a file: archives are never altered.
    ValueError
        When tables lack columns or keys stand twice.
    """
    target = Path(path)
    content = normalised(archive)
    if target.exists():
        raise FileExistsError(f"{target} exists, and an archive is never altered; name a new file")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    unfinished = Path(name)
    try:
        _fill(unfinished, content)
        _flushed(unfinished)
        unfinished.chmod(0o644)
        os.link(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def read_archive(path: Path | str) -> Archive:
    """Read an archive.

    Raises
    ------
    NotAnArchive
        When the file is no archive, or of a format this program does not read.
    FileNotFoundError
        When there is no such file.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}")
    connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        return _read(Database(connection))
    except (sqlite3.DatabaseError, KeyError, ValueError) as error:
        raise NotAnArchive(f"{source}: {_why(error)}") from error
    finally:
        connection.close()


def _why(error: Exception) -> str:
    if isinstance(error, NotAnArchive):
        return str(error)
    if isinstance(error, StudyFaults):
        return f"the study inside cannot be read: {error}"
    return f"this is not an archive of a study, or it is damaged ({error})"


def _read(db: Database) -> Archive:
    found = (_pragma(db, "application_id"), _pragma(db, "user_version"))
    if found[0] != APPLICATION:
        raise NotAnArchive("this is not an archive of a study; make one with 'archive export'")
    if found[1] != FORMAT:
        raise NotAnArchive(f"the archive has format {found[1]}; this program reads {FORMAT}")
    exercises = {
        name.removeprefix(layout.prefix): _frame(db, name, layout)
        for name in sorted(db.table_names())
        for layout in LAYOUTS.values()
        if name.startswith(layout.prefix)
    }
    return Archive(
        versions={row["version"]: parse_study(row["study"]) for row in db["versions"].rows},
        respondents=_frame(db, "respondents"),
        answers=_frame(db, "answers"),
        choices=dict(sorted(exercises.items())),
        customers=_frame(db, "customers"),
        alarms=_frame(db, "alarms") if db["alarms"].exists() else _no_alarms(),
        outcomes=_frame(db, "outcomes"),
        behaviour=_frame(db, "behaviour") if db["behaviour"].exists() else _no_behaviour(),
        on_offer=_frame(db, "on_offer") if db["on_offer"].exists() else _nothing_on_offer(),
        orders=_frame(db, "orders") if db["orders"].exists() else _no_orders(),
        page_times=_frame(db, "page_times") if db["page_times"].exists() else _no_times(),
        facts={row["name"]: row["value"] for row in db["facts"].rows},
    )


def _pragma(db: Database, name: str) -> int:
    return int(db.execute(f"pragma {name}").fetchone()[0])


def _flushed(path: Path) -> None:
    """On the disk, not only in its cache."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(path: Path, content: Archive) -> None:
    db = Database(str(path))
    try:
        # nobody sees the file before it is whole: it is flushed once, not at every hundred rows
        db.execute("pragma journal_mode = off")
        db.execute("pragma synchronous = off")
        db.execute(f"pragma application_id = {APPLICATION}")
        db.execute(f"pragma user_version = {FORMAT}")
        versions = db.table("versions").create({"version": int, "study": str}, pk="version")
        versions.insert_all(
            {"version": number, "study": dump_study(study)}
            for number, study in content.versions.items()
        )
        facts = db.table("facts").create({"name": str, "value": str}, pk="name", strict=True)
        facts.insert_all({"name": n, "value": value} for n, value in content.facts.items())
        found = ((name, _layout(content.study, name)) for name in content.choices)
        layouts = {layout.prefix + name: layout for name, layout in found}
        for name, frame in _tables(content):
            layout = layouts.get(name)
            kinds = _kinds(frame, _attributes(frame, layout) if layout else ())
            columns = {column: _TYPES[kind] for column, kind in kinds.items()}
            pk = layout.key if layout else tuple(KEYS[name])
            table = db.table(name).create(columns, pk=pk, strict=True)
            table.insert_all(dict(zip(columns, row, strict=True)) for row in _rows(frame))
    finally:
        db.close()


def _frame(db: Database, name: str, layout: Layout | None = None) -> pd.DataFrame:
    columns = [column.name for column in db[name].columns]
    rows = db.execute(f'select * from "{name}" order by rowid').fetchall()  # noqa: S608
    kept = _attributes(pd.DataFrame(columns=columns), layout) if layout else ()
    kinds = {column.name: column.type for column in db[name].columns}
    frame = pd.DataFrame(rows, columns=columns)
    return _retyped(frame, kinds, kept)


def _tables(content: Archive) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "respondents", content.respondents
    yield "answers", content.answers
    for name, frame in content.choices.items():
        yield _layout(content.study, name).prefix + name, frame
    yield "customers", content.customers
    if len(content.alarms):
        yield "alarms", content.alarms
    yield "outcomes", content.outcomes
    if len(content.behaviour):
        yield "behaviour", content.behaviour
    if len(content.on_offer):
        yield "on_offer", content.on_offer
    if len(content.orders):
        yield "orders", content.orders
    if len(content.page_times):
        yield "page_times", content.page_times


def _faults(archive: Archive) -> Iterator[str]:
    if not archive.versions:
        yield "- versions: there is no study. Give at least one version."
    wanted = {
        "respondents": (archive.respondents, RESPONDENT_COLUMNS),
        "answers": (archive.answers, ANSWER_COLUMNS),
        "customers": (archive.customers, CUSTOMER_COLUMNS),
        "alarms": (archive.alarms, ALARM_COLUMNS),
        "outcomes": (archive.outcomes, OUTCOME_COLUMNS),
        "behaviour": (archive.behaviour, BEHAVIOUR_COLUMNS),
        "on_offer": (archive.on_offer, ON_OFFER_COLUMNS),
        "orders": (archive.orders, ORDER_COLUMNS),
        "page_times": (archive.page_times, PAGE_TIME_COLUMNS),
    }
    tables = [(name, KEYS[name], frame, columns) for name, (frame, columns) in wanted.items()]
    for name, frame in archive.choices.items() if archive.versions else ():
        layout = _layout(archive.study, name)
        tables.append((layout.prefix + name, [*layout.key], frame, layout.columns))
    for name, key, frame, columns in tables:
        missing = [column for column in columns if column not in frame.columns]
        if missing:
            yield f"- {name}: the columns {', '.join(missing)} are missing. Add them."
        elif (twice := frame.duplicated(key)).any():
            first = dict(frame.loc[twice, key].iloc[0])
            count = int(twice.sum())
            yield f"- {name}: {count} row(s) stand twice, such as {first}. Keep one each."


def _layout(study: Study, exercise: str) -> Layout:
    """The layout of an exercise's table; of choices when the study has no such exercise."""
    kinds = {found.id: found.kind for found in study.exercises}
    return LAYOUTS[kinds.get(exercise, "choice")]


def _attributes(frame: pd.DataFrame, layout: Layout) -> tuple[str, ...]:
    """Columns that belong to the study, whose names say nothing about their type."""
    return tuple(str(column) for column in frame.columns if column not in layout.columns)


def _kinds(frame: pd.DataFrame, attributes: tuple[str, ...] = ()) -> dict[str, str]:
    return {str(c): _kind(frame[c], known=c not in attributes) for c in frame.columns}


def _kind(column: pd.Series[Any], *, known: bool) -> str:
    if known and (column.name in _INTEGERS or column.name in _REALS):
        return "INTEGER" if column.name in _INTEGERS else "REAL"
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "TEXT"
    if pd.api.types.is_integer_dtype(column) or pd.api.types.is_bool_dtype(column):
        return "INTEGER"
    return "REAL" if pd.api.types.is_float_dtype(column) else "TEXT"


def _typed(frame: pd.DataFrame, keys: list[str], kept: tuple[str, ...] = ()) -> pd.DataFrame:
    kinds = _kinds(frame, kept)
    return _retyped(frame, kinds, kept).sort_values(keys, kind="stable", ignore_index=True)


def _retyped(
    frame: pd.DataFrame, kinds: Mapping[str, str], kept: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Typed columns; missing text becomes empty but in the columns ``kept``."""
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        column = frame[name]
        if kind == "TEXT":
            text = column.astype(object).where(column.notna(), None).astype("str")
            columns[name] = text if name in kept else text.fillna("")
        else:
            whole = kind == "INTEGER" and not column.isna().any()
            columns[name] = column.astype("int64" if whole else "float64")
    return pd.DataFrame(columns)


def _rows(frame: pd.DataFrame) -> Iterator[list[Any]]:
    """Rows as plain Python values, missing ones None."""
    columns = []
    for name in frame.columns:
        column = frame[name]
        values = column.tolist()
        columns.append([None if m else v for v, m in zip(values, column.isna(), strict=True)])
    return (list(row) for row in zip(*columns, strict=True))
