"""Changing the check of a column, and whether it may be empty, on either database."""

import re

import sqlalchemy as sa
from alembic import op


def replace_check(table: str, column: str, condition: str) -> None:
    """Put another check in the place of that of a column."""
    name = f"ck_{table}_{column}"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(name), table)
        op.create_check_constraint(op.f(name), table, condition)
        return
    pattern = rf"(CONSTRAINT \"?{name}\"? CHECK )\(.*\)(?=,|\s*\))"
    _make_anew(table, pattern, f"({condition})", f"the check of {table}.{column}")


def let_be_empty(table: str, column: str) -> None:
    """Let a column hold nothing."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column(table, column, nullable=True)
        return
    _make_anew(table, rf"(\b{column} VARCHAR) NOT NULL", "", f"{table}.{column}")


def refuse_empty(table: str, column: str) -> None:
    """Let a column no longer hold nothing."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column(table, column, nullable=False)
        return
    _make_anew(table, rf"(\b{column} VARCHAR)(?=,)", " NOT NULL", f"{table}.{column}")


def _make_anew(table: str, pattern: str, put: str, what: str) -> None:
    """Make a table of SQLite anew, which cannot change one: its first group stays, ``put`` follows.

    References to it are judged at the end of the transaction, when all its rows are back.
    """
    made = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :t AND sql IS NOT NULL")
    found = op.get_bind().execute(made, {"t": table}).all()
    old = next(sql for kind, sql in found if kind == "table")
    new, changed = re.subn(pattern, lambda match: f"{match[1]}{put}", old)
    if changed != 1:
        raise RuntimeError(f"{what} is not where it should be")
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute(f"CREATE TEMPORARY TABLE kept AS SELECT * FROM {table}")  # noqa: S608
    op.execute(f"DROP TABLE {table}")
    for sql in (new, *(sql for kind, sql in found if kind == "index")):
        op.execute(sql)
    op.execute(f"INSERT INTO {table} SELECT * FROM kept")  # noqa: S608
    op.execute("DROP TABLE kept")
