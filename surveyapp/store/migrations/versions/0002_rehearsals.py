"""Rehearsals, and why a version was published despite one"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table, and the column of the reason."""
    op.add_column("study_versions", sa.Column("despite", sa.Text(), nullable=True))
    op.create_table(
        "rehearsals",
        sa.Column("rehearsal", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('reached', 'close', 'missed', 'no targets')",
            name=op.f("ck_rehearsals_verdict"),
        ),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_rehearsals_study")),
        sa.PrimaryKeyConstraint("rehearsal", name=op.f("pk_rehearsals")),
    )
    op.create_index("ix_rehearsals_study", "rehearsals", ["study", "digest"])
