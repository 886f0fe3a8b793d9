"""One-time links, batches, dates, panels, quotas, and what the field monitor counts"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"

KINDS = ("open", "personal")
ENDS = ("complete", "screened_out", "declined")
LINK_COLUMNS = ("opens", "zone", "batch", "panel")
TEXTS = ("last_at", "device", "parameters", "panel_key")


def upgrade() -> None:
    """Make the tables, columns and indices."""
    _check("links", "kind", f"kind IN {(*KINDS, 'one_time')}")
    ends = (*ENDS, "quota_full", "quality_out")
    _check("respondents", "ended", f"ended IS NULL OR ended IN {ends}")
    for name in LINK_COLUMNS:
        op.add_column("links", sa.Column(name, sa.String(), nullable=True))
    op.create_index("ix_links_batch", "links", ["study", "batch"])
    for name in TEXTS:
        op.add_column("respondents", sa.Column(name, sa.String(), nullable=True))
    op.add_column("respondents", sa.Column("seconds", sa.Float(), nullable=True))
    op.create_index("ix_respondents_panel_key", "respondents", ["panel_key"], unique=True)
    op.create_index("ix_respondents_started", "respondents", ["study", "run_kind", "started"])
    op.create_index("ix_respondents_cell", "respondents", ["study", "run_kind", "wave", "cell"])
    op.add_column("pages_sent", sa.Column("seconds", sa.Float(), nullable=True))
    op.add_column("pages_sent", sa.Column("answers", sa.Integer(), nullable=True))
    op.create_table(
        "panels",
        sa.Column("panel", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("returns", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_panels_study")),
        sa.PrimaryKeyConstraint("panel", name=op.f("pk_panels")),
    )
    op.create_index("ix_panels_study", "panels", ["study", "name"], unique=True)
    op.create_table(
        "quota_places",
        sa.Column("respondent", sa.String(), nullable=False),
        sa.Column("quota", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("wave", sa.String(), nullable=False),
        sa.Column("run_kind", sa.String(), nullable=False),
        sa.Column("held_until", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["respondent"], ["respondents.respondent"], name=op.f("fk_quota_places_respondent")
        ),
        sa.PrimaryKeyConstraint("respondent", "quota", name=op.f("pk_quota_places")),
    )
    op.create_index(
        "ix_quota_places_study",
        "quota_places",
        ["study", "quota", "run_kind", "wave", "held_until", "respondent"],
    )


def downgrade() -> None:
    """Forget one-time links, panels and quotas; their respondents count as never ended."""
    op.drop_table("quota_places")
    op.drop_table("panels")
    for name in ("answers", "seconds"):
        op.drop_column("pages_sent", name)
    for name in ("cell", "started", "panel_key"):
        op.drop_index(f"ix_respondents_{name}", table_name="respondents")
    for name in ("seconds", *TEXTS):
        op.drop_column("respondents", name)
    op.drop_index("ix_links_batch", table_name="links")
    for name in LINK_COLUMNS:
        op.drop_column("links", name)
    op.execute("UPDATE links SET kind = 'personal' WHERE kind = 'one_time'")
    op.execute("UPDATE respondents SET ended = NULL WHERE ended IN ('quota_full', 'quality_out')")
    _check("links", "kind", f"kind IN {KINDS}")
    _check("respondents", "ended", f"ended IS NULL OR ended IN {ENDS}")


def _check(table: str, column: str, condition: str) -> None:
    """Put another check in the place of that of a column."""
    name = f"ck_{table}_{column}"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(name), table)
        op.create_check_constraint(op.f(name), table, condition)
        return
    # SQLite cannot change a check: make the table anew. References to it are judged at the end of
    # the transaction, when all its rows are back.
    made = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :t AND sql IS NOT NULL")
    found = op.get_bind().execute(made, {"t": table}).all()
    old = next(sql for kind, sql in found if kind == "table")
    new, changed = re.subn(
        rf"(CONSTRAINT \"?{name}\"? CHECK )\(.*\)(?=,|\s*\))",
        lambda match: f"{match[1]}({condition})",
        old,
    )
    if changed != 1:
        raise RuntimeError(f"the check of {table}.{column} is not where it should be")
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute(f"CREATE TEMPORARY TABLE kept AS SELECT * FROM {table}")  # noqa: S608
    op.execute(f"DROP TABLE {table}")
    for sql in (new, *(sql for kind, sql in found if kind == "index")):
        op.execute(sql)
    op.execute(f"INSERT INTO {table} SELECT * FROM kept")  # noqa: S608
    op.execute("DROP TABLE kept")
