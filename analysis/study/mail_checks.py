"""What must hold of the mails of a study, in each of its languages."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.study.faults import Catalogue, Fault
from analysis.study.mails import faults_of_mail
from analysis.study.types import Study


def mail_faults(study: Study) -> Iterator[Fault]:
    """All faults of the mails, each named once."""
    for kind in ("invitation", "reminder"):
        mail = getattr(study.mails, kind)
        if mail is None:
            continue
        seen = set()
        for language in study.languages:
            both = (mail.subject, mail.body)
            said = (text.say(language, study.default_language) for text in both)
            for part, what, hint in faults_of_mail(*said):
                if (part, what) not in seen:
                    yield Catalogue.MAIL.at(f"mails.{kind}.{part}", what=what, hint=hint)
                seen.add((part, what))
