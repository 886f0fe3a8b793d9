"""Invitations by e-mail: contacts, mailings, the outbox, opt-outs; withdrawal of respondents"""

import sqlalchemy as sa
from alembic import op

from surveyapp.store.migrations.checks import replace_check

revision = "0012"
down_revision = "0020"

ENDS = ("complete", "screened_out", "declined", "quota_full", "quality_out")
STATES = (
    *("waiting", "claimed", "sent", "bounced", "failed"),
    *("unknown", "left_out", "cancelled"),
)


def upgrade() -> None:
    """Make the tables and columns."""
    replace_check("respondents", "ended", f"ended IS NULL OR ended IN {(*ENDS, 'withdrawn')}")
    op.add_column("respondents", sa.Column("withdrawn", sa.String(), nullable=True))
    op.create_table(
        "contacts",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("added", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_contacts_study")),
        sa.PrimaryKeyConstraint("study", "customer", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_customer", "contacts", ["customer"])
    op.create_table(
        "opt_outs",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_opt_outs")),
    )
    op.create_table(
        "mailings",
        sa.Column("mailing", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("wave", sa.String(), nullable=True),
        sa.Column("run_kind", sa.String(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("remind_after_days", sa.Integer(), nullable=False),
        sa.Column("remind_at_most", sa.Integer(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("despite", sa.Text(), nullable=True),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("stopped", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_mailings_study")),
        sa.PrimaryKeyConstraint("mailing", name=op.f("pk_mailings")),
    )
    op.create_index("ix_mailings_study", "mailings", ["study"])
    op.create_table(
        "messages",
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("mailing", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("at", sa.String(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("opted_out", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailing"], ["mailings.mailing"], name=op.f("fk_messages_mailing")
        ),
        sa.ForeignKeyConstraint(["link"], ["links.link"], name=op.f("fk_messages_link")),
        sa.CheckConstraint(f"state IN {STATES}", name=op.f("ck_messages_state")),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_messages")),
    )
    op.create_index("ix_messages_number", "messages", ["mailing", "link", "number"], unique=True)
    op.create_index("ix_messages_due", "messages", ["state", "due"])
    op.create_index("ix_messages_customer", "messages", ["customer", "number", "at"])


def downgrade() -> None:
    """Forget contacts, mailings and opt-outs; who withdrew counts as having declined."""
    for table in ("messages", "mailings", "opt_outs", "contacts"):
        op.drop_table(table)
    op.drop_column("respondents", "withdrawn")
    op.execute("UPDATE respondents SET ended = 'declined' WHERE ended = 'withdrawn'")
    replace_check("respondents", "ended", f"ended IS NULL OR ended IN {ENDS}")
