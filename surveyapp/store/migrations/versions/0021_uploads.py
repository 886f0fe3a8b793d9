"""Files uploaded into ledgers; jobs that belong to no study"""

import sqlalchemy as sa
from alembic import op

from surveyapp.store.migrations.checks import let_be_empty, refuse_empty

revision = "0021"
down_revision = "0013"


def upgrade() -> None:
    """Make the table, and let jobs be without a study."""
    let_be_empty("jobs", "study")
    op.create_table(
        "uploads",
        sa.Column("upload", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("job", sa.String(), nullable=True),
        sa.Column("load", sa.String(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.job"], name=op.f("fk_uploads_job")),
        sa.PrimaryKeyConstraint("upload", name=op.f("pk_uploads")),
    )


def downgrade() -> None:
    """Forget uploads and their jobs; what they loaded stays in the ledgers."""
    op.drop_table("uploads")
    op.execute("DELETE FROM jobs WHERE study IS NULL")
    refuse_empty("jobs", "study")
