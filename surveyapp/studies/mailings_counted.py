"""The mailings of a study with their counts, as pages and commands show them."""

from __future__ import annotations

from dataclasses import dataclass

from surveyapp.store import Connection, mailings
from surveyapp.store.mailings import MailCount, MailingRecord


@dataclass(frozen=True, slots=True)
class MailingRow:
    """A mailing with what became of its mails; ``rate`` is completes of people mailed, or None."""

    mailing: MailingRecord
    count: MailCount

    @property
    def rate(self) -> float | None:
        """The share of the people who were mailed that completed."""
        return self.count.complete / self.count.invited if self.count.invited else None

    def n(self, state: str) -> int:
        """How many mails are in a state."""
        return self.count.states.get(state, 0)


def of_study(c: Connection, study: str, run_kind: str | None = None) -> list[MailingRow]:
    """The mailings of a study, the newest first; of one kind of run if that is given."""
    return [
        MailingRow(mailing, mailings.count(c, mailing.mailing))
        for mailing in mailings.of_study(c, study)
        if run_kind in (None, mailing.run_kind)
    ]
