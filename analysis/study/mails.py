"""The mails of a study: texts with placeholders such as ``${link}``, and what is wrong with them.

A placeholder names one of ``OWN`` or a column of the contacts; ``${first_name|there}`` has a word
for contacts without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.study.texts import Part, Text

OWN = ("link", "stop", "title", "sponsor", "minutes", "contact", "until")
"""What the app fills in itself."""
ADDRESSES = ("link", "stop")
LONGEST_SUBJECT = 200
PLACEHOLDER = re.compile(r"\$\{([a-z][a-z0-9_]{0,63})(?:\|([^{}|\n]{0,100}))?\}")


class Mail(Part):
    """One mail: a subject, and a body in Markdown."""

    subject: Text
    body: Text


class Mails(Part):
    """What is sent to contacts: the invitation, and the reminder of who has not finished."""

    invitation: Mail | None = None
    reminder: Mail | None = None


def names_in(text: str) -> dict[str, str | None]:
    """The placeholders of a text, each with the word that stands in for it, if any."""
    found: dict[str, str | None] = {}
    for name, word in PLACEHOLDER.findall(text):
        found[name] = word or found.get(name)
    return found


def faults_of_mail(subject: str, body: str) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a mail: the part ('subject', 'body'), the fact, and how to mend it."""
    if not subject.strip() or len(subject) > LONGEST_SUBJECT:
        fact = f"the subject is empty or longer than {LONGEST_SUBJECT} signs"
        yield "subject", fact, "Write a short line"
    if any(not sign.isprintable() for sign in subject.strip()):
        fact = "the subject has a line break or another control character"
        yield "subject", fact, "Write it on one line"
    if set(names_in(subject)) & set(ADDRESSES):
        yield "subject", "an address stands in the subject", "Put ${link} into the body"
    if "link" not in names_in(body):
        yield "body", "the body does not contain ${link}", "Say where to answer: ${link}"
    for part, text in (("subject", subject), ("body", body)):
        if "${" in PLACEHOLDER.sub("", text):
            mend = "Write ${name} or ${name|word}, in small letters, digits and _"
            yield part, "'${' begins no placeholder that can be read", mend
