"""What the store returns: frozen records, one per table that others read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study as researchers see it: its draft and its newest published version."""

    study: str
    title: str
    draft: str
    created: str
    updated: str
    closed: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """An immutable published version; ``definition`` is the canonical JSON."""

    study: str
    version: int
    definition: str
    digest: str
    published: str
    published_by: str
    despite: str | None
    """Why it was published although its rehearsal missed the targets; None: it reached them."""


@dataclass(frozen=True, slots=True)
class RehearsalRecord:
    """A rehearsal of one definition (its digest); ``document`` is a Rehearsal as JSON."""

    rehearsal: str
    study: str
    digest: str
    created: str
    verdict: str
    document: str


@dataclass(frozen=True, slots=True)
class DesignRecord:
    """How the choice tasks of an exercise came about, and what they can tell.

    Attributes
    ----------
    version
        0: of the draft.
    file, layout, digest
        Name, layout and SHA-256 of the uploaded file; without a file the tasks were made, and the
        digest is that of ``tasks``.
    made_for
        Digest of the exercise that they were made for or checked against.
    tasks
        CSV in our own layout; empty in versions, whose tasks stand in a table of their own.
    interrupted
        1 when a time limit ended the search.
    inspection
        JSON: the figures of ``analysis.choices.design.inspection``, with 'sentences'.
    """

    study: str
    version: int
    exercise: str
    file: str | None
    layout: str
    digest: str
    made_for: str
    tasks: str
    interrupted: int
    inspection: str
    created: str
    created_by: str

    @property
    def found(self) -> dict[str, Any]:
        """The inspection."""
        found: dict[str, Any] = json.loads(self.inspection)
        return found


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task: level ids per attribute for each alternative, or the item for each of a set."""

    exercise: str
    block: int
    task: int
    role: str
    alternatives: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image of a study."""

    study: str
    name: str
    content: bytes
    added: str


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """An invitation. Open links have a public slug, all others only the hash of a token.

    ``opens`` and ``expires`` bound when somebody may start, ``zone`` is the time zone in which the
    days were stated. Links of one ``batch`` were made together; ``panel`` is the provider that
    sends people to an open link.
    """

    link: str
    study: str
    kind: str
    slug: str | None
    token_hash: str | None
    customer: str | None
    wave: str | None
    run_kind: str
    created: str
    expires: str | None
    revoked: str | None
    opens: str | None = None
    zone: str | None = None
    batch: str | None = None
    panel: str | None = None


@dataclass(frozen=True, slots=True)
class PanelRecord:
    """A panel provider of a study.

    Attributes
    ----------
    parameters
        JSON: the names that its addresses may carry in.
    person
        Which of them names the person.
    returns
        JSON: the template of the address to return to, by how a respondent ended.
    secret
        Hexadecimal key of the signature of those addresses.
    """

    panel: str
    study: str
    name: str
    parameters: str
    person: str
    returns: str
    secret: str
    created: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(json.loads(self.parameters))

    @property
    def addresses(self) -> dict[str, str]:
        """The templates by end."""
        found: dict[str, str] = json.loads(self.returns)
        return found


@dataclass(frozen=True, slots=True)
class RespondentRecord:
    """One respondent; ``turn`` is the revision that a page's form must carry."""

    respondent: str
    study: str
    version: int
    link: str
    token_hash: str
    customer: str | None
    wave: str | None
    run_kind: str
    language: str
    cell: str | None
    sequence: int
    weight: float
    turn: int
    step: str
    started: str
    completed: str | None
    ended: str | None
    seed: int | None = None
    """By which things are shuffled for this respondent; None: nothing is."""
    last_at: str | None = None
    """When the last page was sent."""
    seconds: float | None = None
    """From the start to the end."""
    device: str | None = None
    """phone, tablet or desktop."""
    parameters: str | None = None
    """JSON: what a panel provider sent along."""
    panel_key: str | None = None
    """Names the person of a panel in a wave; nobody else may have it."""
    withdrawn: str | None = None
    """When the respondent withdrew; nothing that was answered is left."""

    @property
    def carried(self) -> dict[str, str]:
        """What a panel provider sent along."""
        found: dict[str, str] = json.loads(self.parameters) if self.parameters else {}
        return found

    def facts(self) -> dict[str, str]:
        """What conditions may ask about the respondent, and the seed of what is shuffled."""
        return {
            "language": self.language,
            "wave": self.wave or "",
            "cell": self.cell or "",
            "started": self.started[:10],
            "seed": "" if self.seed is None else str(self.seed),
        }


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One stored answer; ``value`` is None unless the status is 'answered'."""

    question: str
    item: str
    value: str | None
    status: str
    turn: int = 0


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What was answered to a task.

    ``chosen`` is the number of the chosen alternative or best item (from 1, as designed, wherever
    it stood on the page), or the rating given. ``second`` is the number of the worst item, or 1
    and 0 for the yes and no of a dual-response none; None where nothing else is asked.
    """

    chosen: int
    second: int | None = None


@dataclass(frozen=True, slots=True)
class ChoiceRecord:
    """A stored answer to a task."""

    respondent: str
    exercise: str
    block: int
    task: int
    chosen: int
    second: int | None = None


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """A member of staff."""

    staff: str
    name: str
    role: str
    password_hash: str
    created: str
    disabled: str | None
    identifiers: int = 0
    """1: may see which identifier a pseudonym stands for, where the installation keeps that."""


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """An erasure of a customer; once it is finished, ``customer`` and ``identifier`` are gone."""

    erasure: str
    asked: str
    asked_by: str
    answers: str
    """'keep' (without the link to the customer) or 'erase'."""
    archives: str
    """What becomes of archives, runs and reports made before: 'list', 'rewrite' or 'delete'."""
    customer: str | None
    identifier: str | None
    finished: str | None
    counts: str | None
    """JSON: how much was removed."""

    @property
    def removed(self) -> dict[str, int]:
        """How much was removed."""
        found: dict[str, int] = json.loads(self.counts or "{}")
        return found


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A long task and how far it is."""

    job: str
    kind: str
    key: str
    study: str
    """Empty: the job belongs to no study."""
    arguments: str
    state: str
    step: str
    done: int
    total: int
    attempts: int
    worker: str | None
    lease_until: str | None
    cancel: int
    created: str
    started: str | None
    finished: str | None
    error: str | None

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments, read."""
        found: dict[str, Any] = json.loads(self.arguments)
        return found

    @property
    def active(self) -> bool:
        """Whether it still waits or runs."""
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """A stored ValueReport with its drawn charts (JSON texts)."""

    report: str
    study: str
    version: int
    job: str | None
    created: str
    archive: str
    document: str
    charts: str
    frozen: str | None = None
    """When its answers were frozen; None in reports of older programs."""
    held: int | None = None
    """How many completed respondents the store held then, without test runs."""
    groups: str = "[]"
    """JSON: the groups of respondents that it is narrowed down to, as NAME=VALUE."""


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A secret address under which anybody may read one report until a time."""

    share: str
    report: str
    token_hash: str
    note: str
    """What the maker wrote down: for whom it is."""
    created: str
    created_by: str
    expires: str
    revoked: str | None = None
    last_used: str | None = None
    uses: int = 0


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """A market of the simulator that somebody saved under a name, as the query of its page."""

    scenario: str
    study: str
    version: int
    name: str
    query: str
    created: str
    created_by: str
