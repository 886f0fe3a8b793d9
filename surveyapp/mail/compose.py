"""One mail: texts and facts of the study joined into a message with a plain and an HTML part."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, localtime

from analysis.study import Study
from analysis.study.texts import Text
from surveyapp import languages
from surveyapp.mail.server import MailServer
from surveyapp.mail.texts import as_html, as_plain, filled_line, missing, one_line

_STYLE = (
    "font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:0 auto;padding:1em;color:#1a1a1a;"
    "overflow-wrap:anywhere"
)
_SMALL = "font-size:14px;color:#4a4a4a;border-top:1px solid #c8c8c8;padding-top:1em"
FOOTERS = {
    "en": ("A survey by {}", "about {} minutes", "Questions", "Data protection",
           "To get no more surveys from us: ${stop}"),
    "de": ("Eine Befragung von {}", "etwa {} Minuten", "Fragen", "Datenschutz",
           "Keine weiteren Befragungen von uns: ${stop}"),
    "fr": ("Une enquête de {}", "environ {} minutes", "Questions", "Protection des données",
           "Pour ne plus recevoir nos enquêtes : ${stop}"),
    "es": ("Una encuesta de {}", "unos {} minutos", "Preguntas", "Protección de datos",
           "Para no recibir más encuestas nuestras: ${stop}"),
    "ar": ("استبيان من {}", "حوالي {} دقائق", "أسئلة", "حماية البيانات",
           "لعدم تلقي المزيد من استبياناتنا: ${stop}"),
}  # fmt: skip
"""By language: sponsor, minutes, whom to ask, privacy, and how to end the mails."""
STARTERS = {
    "invitation": (
        "Your opinion: ${title}",
        "Hello,\n\nplease tell us what you think. It takes about ${minutes|a few} minutes:\n\n"
        "[Start](${link})\n\nThe link is yours alone; please do not pass it on.",
    ),
    "reminder": (
        "A reminder: ${title}",
        "Hello,\n\nwe wrote to you lately, and your answers would still help us. With the same "
        "link you start, or go on where you stopped:\n\n[Go on](${link})",
    ),
}
"""What a researcher starts from when the study file has no mails."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a mail: the address, the language, the fields of the contact, the two links."""

    address: str
    language: str
    fields: Mapping[str, str]
    link: str
    stop: str
    until: str = ""


Texts = dict[str, dict[str, dict[str, str]]]
"""By kind of mail and language: subject and body."""


def texts_of(study: Study) -> Texts:
    """The mails of a study file in all its languages; starters where it has none."""
    found: Texts = {}
    for kind, (subject, body) in STARTERS.items():
        mail = getattr(study.mails, kind)
        found[kind] = {
            language: {
                "subject": _say(study, mail.subject, language) if mail else subject,
                "body": _say(study, mail.body, language) if mail else body,
            }
            for language in study.languages
        }
    return found


def values_of(study: Study, to: Recipient) -> dict[str, str]:
    """What the placeholders of a mail stand for."""
    return {
        **to.fields,
        "link": to.link,
        "stop": to.stop,
        "title": _say(study, study.title, to.language),
        "sponsor": _say(study, study.sponsor, to.language),
        "minutes": str(study.minutes or ""),
        "contact": as_plain(_say(study, study.contact, to.language), {}),
        "until": to.until,
    }


def lacking(study: Study, said: Mapping[str, str], to: Recipient) -> list[str]:
    """Placeholders of subject and body for which this recipient has no value."""
    return missing(f"{said['subject']}\n{said['body']}", values_of(study, to))


def compose(
    study: Study, said: Mapping[str, str], to: Recipient, server: MailServer, *, message_id: str
) -> EmailMessage:
    """A message in two parts, with a one-click way to end the mails (RFC 8058).

    Parameters
    ----------
    said
        Subject and body as written, with placeholders.
    message_id
        Without the angle brackets.
    """
    values = values_of(study, to)
    plain, rich = bodies(study, said["body"], to)
    made = EmailMessage(policy=SMTP)
    made["Subject"] = filled_line(said["subject"], values)
    made["From"] = formataddr((one_line(server.sender_name), server.sender))
    made["To"] = to.address
    if server.reply_to:
        made["Reply-To"] = server.reply_to
    made["Date"] = format_datetime(localtime())
    made["Message-ID"] = f"<{message_id}>"
    made["List-Unsubscribe"] = f"<{to.stop}/now>"
    made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made["Auto-Submitted"] = "auto-generated"
    made["Content-Language"] = to.language
    made.set_content(plain, cte="quoted-printable")
    made.add_alternative(rich, subtype="html", cte="quoted-printable")
    return made


def bodies(study: Study, body: str, to: Recipient) -> tuple[str, str]:
    """The body with its footer, as plain text and as a whole HTML page."""
    values = values_of(study, to)
    footer = _footer(study, to.language, asks="${stop}" not in body)
    plain = f"{as_plain(body, values)}\n\n-- \n{as_plain(footer, values)}\n"
    language = html.escape(to.language)
    rich = (
        f'<!doctype html><html lang="{language}" dir="{languages.direction(to.language)}"><head>'
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(values['title'])}</title></head>"
        f'<body style="{_STYLE}">{as_html(body, values)}'
        f'<div style="{_SMALL}">{as_html(footer, values)}</div></body></html>\n'
    )
    return plain, rich


def _footer(study: Study, language: str, *, asks: bool) -> str:
    words = FOOTERS.get(language.partition("-")[0], FOOTERS["en"])
    facts = []
    if study.sponsor:
        facts.append(words[0].format(_say(study, study.sponsor, language)))
    if study.minutes:
        facts.append(words[1].format(study.minutes))
    parts = [" · ".join(facts)]
    for label, text in ((words[2], study.contact), (words[3], study.privacy)):
        if text:
            parts.append(f"{label}: {_say(study, text, language)}")
    if asks:
        parts.append(words[4])
    return "\n\n".join(part for part in parts if part)


def _say(study: Study, text: Text | None, language: str) -> str:
    return text.say(language, study.default_language) if text else ""
