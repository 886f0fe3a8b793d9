"""One-time links, batches, dates, panels, quotas, and what the field monitor counts"""

import sqlalchemy as sa
from alembic import op

from surveyapp.store.migrations.checks import replace_check

revision = "0007"
down_revision = "0005"

KINDS = ("open", "personal")
ENDS = ("complete", "screened_out", "declined")
LINK_COLUMNS = ("opens", "zone", "batch", "panel")
TEXTS = ("last_at", "device", "parameters", "panel_key")


def upgrade() -> None:
    """Make the tables, columns and indices."""
    replace_check("links", "kind", f"kind IN {(*KINDS, 'one_time')}")
    ends = (*ENDS, "quota_full", "quality_out")
    replace_check("respondents", "ended", f"ended IS NULL OR ended IN {ends}")
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
    replace_check("links", "kind", f"kind IN {KINDS}")
    replace_check("respondents", "ended", f"ended IS NULL OR ended IN {ENDS}")
