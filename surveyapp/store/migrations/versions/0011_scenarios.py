"""Saved scenarios of the simulator"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "scenarios",
        sa.Column("scenario", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_scenarios_study")),
        sa.PrimaryKeyConstraint("scenario", name=op.f("pk_scenarios")),
        sa.UniqueConstraint("study", "version", "name", name="uq_scenarios_name"),
    )
    op.create_index(op.f("ix_scenarios_study"), "scenarios", ["study"])


def downgrade() -> None:
    """Forget the scenarios."""
    op.drop_table("scenarios")
