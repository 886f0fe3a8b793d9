"""The tables of the live store. Times are UTC in ISO 8601; ids are text.

The migrations in ``migrations/versions`` make these tables; a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

studies = Table(
    "studies",
    metadata,
    Column("study", String, primary_key=True),
    Column("title", Text, nullable=False),
    Column("draft", Text, nullable=False),
    Column("created", String, nullable=False),
    Column("updated", String, nullable=False),
    Column("closed", String),
)

study_versions = Table(
    "study_versions",
    metadata,
    Column("study", String, ForeignKey("studies.study"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("published", String, nullable=False),
    Column("published_by", String, nullable=False),
    Column("despite", Text),
)

rehearsals = Table(
    "rehearsals",
    metadata,
    Column("rehearsal", String, primary_key=True),
    Column("study", String, ForeignKey("studies.study"), nullable=False),
    Column("digest", String, nullable=False),
    Column("created", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("document", Text, nullable=False),
    CheckConstraint("verdict IN ('reached', 'close', 'missed', 'no targets')", name="verdict"),
    Index("ix_rehearsals_study", "study", "digest"),
)

designs = Table(
    "designs",
    metadata,
    Column("study", String, ForeignKey("studies.study"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("exercise", String, primary_key=True),
    Column("file", Text),
    Column("layout", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("made_for", String, nullable=False),
    Column("tasks", Text, nullable=False),
    Column("interrupted", Integer, nullable=False),
    Column("inspection", Text, nullable=False),
    Column("created", String, nullable=False),
    Column("created_by", String, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("study", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("exercise", String, primary_key=True),
    Column("block", Integer, primary_key=True),
    Column("task", Integer, primary_key=True),
    Column("role", String, nullable=False),
    Column("alternatives", Text, nullable=False),
    ForeignKeyConstraint(["study", "version"], ["study_versions.study", "study_versions.version"]),
    CheckConstraint("role IN ('estimation', 'holdout')", name="role"),
)

images = Table(
    "images",
    metadata,
    Column("study", String, ForeignKey("studies.study"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("added", String, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("link", String, primary_key=True),
    Column("study", String, ForeignKey("studies.study"), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("slug", String, unique=True),
    Column("token_hash", String, unique=True),
    Column("customer", String, index=True),
    Column("wave", String),
    Column("run_kind", String, nullable=False),
    Column("created", String, nullable=False),
    Column("expires", String),
    Column("revoked", String),
    Column("opens", String),
    Column("zone", String),
    Column("batch", String),
    Column("panel", String),
    CheckConstraint("kind IN ('open', 'personal', 'one_time')", name="kind"),
    CheckConstraint("run_kind IN ('live', 'test', 'bot')", name="run_kind"),
    Index("ix_links_batch", "study", "batch"),
)

panels = Table(
    "panels",
    metadata,
    Column("panel", String, primary_key=True),
    Column("study", String, ForeignKey("studies.study"), nullable=False),
    Column("name", String, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("person", String, nullable=False),
    Column("returns", Text, nullable=False),
    Column("secret", String, nullable=False),
    Column("created", String, nullable=False),
    Index("ix_panels_study", "study", "name", unique=True),
)

respondents = Table(
    "respondents",
    metadata,
    Column("respondent", String, primary_key=True),
    Column("study", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("link", String, ForeignKey("links.link"), nullable=False, index=True),
    Column("token_hash", String, nullable=False, unique=True),
    Column("customer", String, index=True),
    Column("wave", String),
    Column("run_kind", String, nullable=False),
    Column("language", String, nullable=False),
    Column("cell", String),
    Column("sequence", Integer, nullable=False),
    Column("weight", Float, nullable=False, server_default="1"),
    Column("turn", Integer, nullable=False, server_default="0"),
    Column("step", String, nullable=False),
    Column("started", String, nullable=False),
    Column("completed", String),
    Column("ended", String),
    Column("seed", Integer),
    Column("last_at", String),
    Column("seconds", Float),
    Column("device", String),
    Column("parameters", String),
    Column("panel_key", String),
    Column("withdrawn", String),
    ForeignKeyConstraint(["study", "version"], ["study_versions.study", "study_versions.version"]),
    CheckConstraint(
        "ended IS NULL OR ended IN "
        "('complete', 'screened_out', 'declined', 'quota_full', 'quality_out', "
        "'withdrawn')",
        name="ended",
    ),
    Index("ix_respondents_study", "study", "version", "run_kind"),
    Index("ix_respondents_panel_key", "panel_key", unique=True),
    Index("ix_respondents_started", "study", "run_kind", "started"),
    Index("ix_respondents_cell", "study", "run_kind", "wave", "cell"),
)

answers = Table(
    "answers",
    metadata,
    Column("respondent", String, ForeignKey("respondents.respondent"), primary_key=True),
    Column("question", String, primary_key=True),
    Column("item", String, primary_key=True),
    Column("value", Text),
    Column("status", String, nullable=False),
    Column("turn", Integer, nullable=False),
    CheckConstraint("status IN ('answered', 'skipped', 'refused')", name="status"),
)

choices = Table(
    "choices",
    metadata,
    Column("respondent", String, ForeignKey("respondents.respondent"), primary_key=True),
    Column("exercise", String, primary_key=True),
    Column("task", Integer, primary_key=True),
    Column("block", Integer, nullable=False),
    Column("chosen", Integer, nullable=False),
    Column("second", Integer),
    Column("turn", Integer, nullable=False),
)

pages_sent = Table(
    "pages_sent",
    metadata,
    Column("respondent", String, ForeignKey("respondents.respondent"), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("step", String, nullable=False),
    Column("at", String, nullable=False),
    Column("seconds", Float),
    Column("answers", Integer),
)

contacts = Table(
    "contacts",
    metadata,
    Column("study", String, ForeignKey("studies.study"), primary_key=True),
    Column("customer", String, primary_key=True),
    Column("address", Text, nullable=False),
    Column("address_key", String, nullable=False),
    Column("language", String, nullable=False),
    Column("fields", Text, nullable=False),
    Column("added", String, nullable=False),
    Index("ix_contacts_customer", "customer"),
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("key", String, primary_key=True),
    Column("study", String, nullable=False),
    Column("at", String, nullable=False),
)

mailings = Table(
    "mailings",
    metadata,
    Column("mailing", String, primary_key=True),
    Column("study", String, ForeignKey("studies.study"), nullable=False, index=True),
    Column("wave", String),
    Column("run_kind", String, nullable=False),
    Column("texts", Text, nullable=False),
    Column("remind_after_days", Integer, nullable=False),
    Column("remind_at_most", Integer, nullable=False),
    Column("plan", Text, nullable=False),
    Column("despite", Text),
    Column("created", String, nullable=False),
    Column("created_by", String, nullable=False),
    Column("stopped", String),
)

messages = Table(
    "messages",
    metadata,
    Column("message", String, primary_key=True),
    Column("mailing", String, ForeignKey("mailings.mailing"), nullable=False),
    Column("link", String, ForeignKey("links.link"), nullable=False),
    Column("customer", String),
    Column("number", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("due", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("message_id", String),
    Column("at", String),
    Column("reply", Text),
    Column("opted_out", String),
    CheckConstraint(
        "state IN ('waiting', 'claimed', 'sent', 'bounced', 'failed', 'unknown', 'left_out', "
        "'cancelled')",
        name="state",
    ),
    Index("ix_messages_number", "mailing", "link", "number", unique=True),
    Index("ix_messages_due", "state", "due"),
    Index("ix_messages_customer", "customer", "number", "at"),
)

quota_places = Table(
    "quota_places",
    metadata,
    Column("respondent", String, ForeignKey("respondents.respondent"), primary_key=True),
    Column("quota", String, primary_key=True),
    Column("study", String, nullable=False),
    Column("wave", String, nullable=False),
    Column("run_kind", String, nullable=False),
    Column("held_until", String),
    Index(
        "ix_quota_places_study", "study", "quota", "run_kind", "wave", "held_until", "respondent"
    ),
)

staff = Table(
    "staff",
    metadata,
    Column("staff", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("created", String, nullable=False),
    Column("disabled", String),
    Column("identifiers", Integer, nullable=False, server_default="0"),
    CheckConstraint("role IN ('researcher', 'manager', 'administrator')", name="role"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("erasure", String, primary_key=True),
    Column("asked", String, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("answers", String, nullable=False),
    Column("archives", String, nullable=False),
    Column("customer", String),
    Column("identifier", Text),
    Column("finished", String),
    Column("counts", Text),
    CheckConstraint("answers IN ('keep', 'erase')", name="answers"),
    CheckConstraint("archives IN ('list', 'rewrite', 'delete')", name="archives"),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("session_hash", String, primary_key=True),
    Column("staff", String, ForeignKey("staff.staff"), nullable=False, index=True),
    Column("created", String, nullable=False),
    Column("expires", String, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False, index=True),
    Column("study", String, ForeignKey("studies.study"), index=True),
    Column("arguments", Text, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("step", Text, nullable=False, server_default=""),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("worker", String),
    Column("lease_until", String),
    Column("cancel", Integer, nullable=False, server_default="0"),
    Column("created", String, nullable=False),
    Column("started", String),
    Column("finished", String),
    Column("error", Text),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("upload", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("file", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created", String, nullable=False),
    Column("created_by", String, nullable=False),
    Column("layout", Text),
    Column("job", String, ForeignKey("jobs.job")),
    Column("load", String),
    Column("counts", Text),
)

scorings = Table(
    "scorings",
    metadata,
    Column("period", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", String),
    Column("lease_until", String),
    Column("created", String, nullable=False),
    Column("finished", String),
    Column("error", Text),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
)

reports = Table(
    "reports",
    metadata,
    Column("report", String, primary_key=True),
    Column("study", String, ForeignKey("studies.study"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("job", String, ForeignKey("jobs.job")),
    Column("created", String, nullable=False),
    Column("archive", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("charts", Text, nullable=False),
    Column("frozen", String),
    Column("held", Integer),
    Column("groups", Text, nullable=False, server_default="[]"),
)

shares = Table(
    "shares",
    metadata,
    Column("share", String, primary_key=True),
    Column("report", String, ForeignKey("reports.report"), nullable=False, index=True),
    Column("token_hash", String, nullable=False, unique=True),
    Column("note", Text, nullable=False, server_default=""),
    Column("created", String, nullable=False),
    Column("created_by", String, nullable=False),
    Column("expires", String, nullable=False),
    Column("revoked", String),
    Column("last_used", String),
    Column("uses", Integer, nullable=False, server_default="0"),
)

scenarios = Table(
    "scenarios",
    metadata,
    Column("scenario", String, primary_key=True),
    Column("study", String, ForeignKey("studies.study"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("created", String, nullable=False),
    Column("created_by", String, nullable=False),
    UniqueConstraint("study", "version", "name", name="uq_scenarios_name"),
)
