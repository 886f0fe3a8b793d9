"""A second answer to a task, and the seed by which things are shuffled for a respondent"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; answers and respondents so far have neither."""
    op.add_column("choices", sa.Column("second", sa.Integer(), nullable=True))
    op.add_column("respondents", sa.Column("seed", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("respondents", "seed")
    op.drop_column("choices", "second")
