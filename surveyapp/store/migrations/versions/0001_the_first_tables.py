"""The first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "staff",
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("disabled", sa.String(), nullable=True),
        sa.CheckConstraint(
            "role IN ('researcher', 'manager', 'administrator')", name=op.f("ck_staff_role")
        ),
        sa.PrimaryKeyConstraint("staff", name=op.f("pk_staff")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_name")),
    )
    op.create_table(
        "studies",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("updated", sa.String(), nullable=False),
        sa.Column("closed", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("study", name=op.f("pk_studies")),
    )
    op.create_table(
        "jobs",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step", sa.Text(), server_default="", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", sa.String(), nullable=True),
        sa.Column("cancel", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("started", sa.String(), nullable=True),
        sa.Column("finished", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_jobs_study")),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_key"), ["key"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_study"), ["study"], unique=False)

    op.create_table(
        "links",
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=True),
        sa.Column("token_hash", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("wave", sa.String(), nullable=True),
        sa.Column("run_kind", sa.String(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("expires", sa.String(), nullable=True),
        sa.Column("revoked", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('open', 'personal')", name=op.f("ck_links_kind")),
        sa.CheckConstraint("run_kind IN ('live', 'test', 'bot')", name=op.f("ck_links_run_kind")),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_links_study")),
        sa.PrimaryKeyConstraint("link", name=op.f("pk_links")),
        sa.UniqueConstraint("slug", name=op.f("uq_links_slug")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_links_token_hash")),
    )
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_links_customer"), ["customer"], unique=False)
        batch_op.create_index(batch_op.f("ix_links_study"), ["study"], unique=False)

    op.create_table(
        "staff_sessions",
        sa.Column("session_hash", sa.String(), nullable=False),
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("expires", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["staff"], ["staff.staff"], name=op.f("fk_staff_sessions_staff")),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_staff_sessions")),
    )
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_sessions_staff"), ["staff"], unique=False)

    op.create_table(
        "study_versions",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("published", sa.String(), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_study_versions_study")),
        sa.PrimaryKeyConstraint("study", "version", name=op.f("pk_study_versions")),
    )
    op.create_table(
        "reports",
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(), nullable=True),
        sa.Column("created", sa.String(), nullable=False),
        sa.Column("archive", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("charts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.job"], name=op.f("fk_reports_job")),
        sa.ForeignKeyConstraint(["study"], ["studies.study"], name=op.f("fk_reports_study")),
        sa.PrimaryKeyConstraint("report", name=op.f("pk_reports")),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reports_study"), ["study"], unique=False)

    op.create_table(
        "respondents",
        sa.Column("respondent", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("wave", sa.String(), nullable=True),
        sa.Column("run_kind", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("cell", sa.String(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Float(), server_default="1", nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("started", sa.String(), nullable=False),
        sa.Column("completed", sa.String(), nullable=True),
        sa.Column("ended", sa.String(), nullable=True),
        sa.CheckConstraint(
            "ended IS NULL OR ended IN ('complete', 'screened_out', 'declined')",
            name=op.f("ck_respondents_ended"),
        ),
        sa.ForeignKeyConstraint(["link"], ["links.link"], name=op.f("fk_respondents_link")),
        sa.ForeignKeyConstraint(
            ["study", "version"],
            ["study_versions.study", "study_versions.version"],
            name=op.f("fk_respondents_study"),
        ),
        sa.PrimaryKeyConstraint("respondent", name=op.f("pk_respondents")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_respondents_token_hash")),
    )
    with op.batch_alter_table("respondents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_respondents_customer"), ["customer"], unique=False)
        batch_op.create_index(batch_op.f("ix_respondents_link"), ["link"], unique=False)
        batch_op.create_index(
            "ix_respondents_study", ["study", "version", "run_kind"], unique=False
        )

    op.create_table(
        "tasks",
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("exercise", sa.String(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("alternatives", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('estimation', 'holdout')", name=op.f("ck_tasks_role")),
        sa.ForeignKeyConstraint(
            ["study", "version"],
            ["study_versions.study", "study_versions.version"],
            name=op.f("fk_tasks_study"),
        ),
        sa.PrimaryKeyConstraint(
            "study", "version", "exercise", "block", "task", name=op.f("pk_tasks")
        ),
    )
    op.create_table(
        "answers",
        sa.Column("respondent", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('answered', 'skipped', 'refused')", name=op.f("ck_answers_status")
        ),
        sa.ForeignKeyConstraint(
            ["respondent"], ["respondents.respondent"], name=op.f("fk_answers_respondent")
        ),
        sa.PrimaryKeyConstraint("respondent", "question", "item", name=op.f("pk_answers")),
    )
    op.create_table(
        "choices",
        sa.Column("respondent", sa.String(), nullable=False),
        sa.Column("exercise", sa.String(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("chosen", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["respondent"], ["respondents.respondent"], name=op.f("fk_choices_respondent")
        ),
        sa.PrimaryKeyConstraint("respondent", "exercise", "task", name=op.f("pk_choices")),
    )
    op.create_table(
        "pages_sent",
        sa.Column("respondent", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["respondent"], ["respondents.respondent"], name=op.f("fk_pages_sent_respondent")
        ),
        sa.PrimaryKeyConstraint("respondent", "turn", name=op.f("pk_pages_sent")),
    )


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("pages_sent")
    op.drop_table("choices")
    op.drop_table("answers")
    op.drop_table("tasks")
    with op.batch_alter_table("respondents", schema=None) as batch_op:
        batch_op.drop_index("ix_respondents_study")
        batch_op.drop_index(batch_op.f("ix_respondents_link"))
        batch_op.drop_index(batch_op.f("ix_respondents_customer"))

    op.drop_table("respondents")
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reports_study"))

    op.drop_table("reports")
    op.drop_table("study_versions")
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_sessions_staff"))

    op.drop_table("staff_sessions")
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_links_study"))
        batch_op.drop_index(batch_op.f("ix_links_customer"))

    op.drop_table("links")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_study"))
        batch_op.drop_index(batch_op.f("ix_jobs_state"))
        batch_op.drop_index(batch_op.f("ix_jobs_key"))

    op.drop_table("jobs")
    op.drop_table("studies")
    op.drop_table("staff")
