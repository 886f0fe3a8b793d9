"""What is known of the choice tasks of a draft and of each version"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "designs",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("exercise", sa.String(), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("made_for", sa.String(), nullable=False),
        sa.Column("tasks", sa.Text(), nullable=False),
        sa.Column("interrupted", sa.Integer(), nullable=False),
        sa.Column("inspection", sa.Text(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_designs_study")),
        sa.PrimaryKeyConstraint("study", "version", "exercise", name=op.f("pk_designs")),
    )


def downgrade() -> None:
    """Forget the designs."""
    op.drop_table("designs")
