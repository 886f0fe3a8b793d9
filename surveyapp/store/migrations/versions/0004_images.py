"""Images that options and levels show"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "images",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_images_study")),
        sa.PrimaryKeyConstraint("study", "name", name=op.f("pk_images")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("images")
