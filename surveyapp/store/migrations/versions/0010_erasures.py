"""Who may see raw identifiers, and the erasures of customers"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    """Make the column and the table."""
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("identifiers", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "erasures",
        sa.Column("erasure", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("answers", sa.String(), nullable=False),
        sa.Column("archives", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("identifier", sa.Text(), nullable=True),
        sa.Column("finished", sa.String(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.CheckConstraint("answers IN ('keep', 'erase')", name=op.f("ck_erasures_answers")),
        sa.CheckConstraint(
            "archives IN ('list', 'rewrite', 'delete')", name=op.f("ck_erasures_archives")
        ),
        sa.PrimaryKeyConstraint("erasure", name=op.f("pk_erasures")),
    )


def downgrade() -> None:
    """Forget both."""
    op.drop_table("erasures")
    with op.batch_alter_table("staff") as staff:
        staff.drop_column("identifiers")
