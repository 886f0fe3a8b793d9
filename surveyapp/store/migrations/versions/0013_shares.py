"""Shared reports, reports of groups, and what a report's age is judged by"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

REPORT_COLUMNS = ("frozen", "held", "groups")


def upgrade() -> None:
    """Make the table and columns."""
    op.add_column("reports", sa.Column("frozen", sa.String(), nullable=True))
    op.add_column("reports", sa.Column("held", sa.Integer(), nullable=True))
    op.add_column("reports", sa.Column("groups", sa.Text(), nullable=False, server_default="[]"))
    op.create_table(
        "shares",
        sa.Column("share", sa.String(), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires", sa.String(), nullable=False),
        sa.Column("revoked", sa.String(), nullable=True),
        sa.Column("last_used", sa.String(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["report"], ["reports.report"], name=op.f("fk_shares_report")),
        sa.PrimaryKeyConstraint("share", name=op.f("pk_shares")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_shares_token_hash")),
    )
    op.create_index("ix_shares_report", "shares", ["report"])


def downgrade() -> None:
    """Forget shares; their addresses stop working."""
    op.drop_table("shares")
    op.execute("DELETE FROM reports WHERE groups <> '[]'")
    for name in REPORT_COLUMNS:
        op.drop_column("reports", name)
