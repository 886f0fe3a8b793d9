"""Texts of mails: what contacts are called can neither mark up, lead anywhere, nor add a header."""

import pytest

from surveyapp.mail.compose import Recipient, compose
from surveyapp.mail.server import MailServer, is_address
from surveyapp.mail.texts import as_html, as_plain, filled_line, missing
from tests import builders

SERVER = MailServer("mail", 25, "none", "", "", "ask@shop.example", "Our Shöp", "re@shop.example")
EVIL = "Ann\r\nBcc: all@evil.example\r\n\r\n<script>x</script> [a](https://evil.example) **b**"


def message(body, *, subject="Hello ${name}", name="Ann", **study):
    made = builders.small_study(
        "  - {id: one, questions: [{id: consent, kind: consent, text: Hm}]}\n", **study
    )
    to = Recipient(
        "ann@home.example",
        "en",
        {"name": name},
        "https://s.example/a/T",
        "https://s.example/stop/M/S",
    )
    return compose(
        made, {"subject": subject, "body": body}, to, SERVER, message_id="m@shop.example"
    )


def test_a_value_cannot_add_a_header_or_a_recipient():
    found = message("Dear ${name}, [Start](${link})", name=EVIL)
    raw = found.as_bytes()
    assert b"\r\nBcc:" not in raw.partition(b"\r\n\r\n")[0]
    assert found["Bcc"] is None and found["To"] == "ann@home.example"
    assert "\n" not in found["Subject"] and found["Subject"].startswith("Hello Ann Bcc:")


def test_a_value_is_shown_as_it_is_in_both_parts():
    found = message("Dear ${name}, [Start](${link})", name=EVIL)
    rich = found.get_body(("html",)).get_content()
    assert "<script>" not in rich and "&lt;script&gt;" in rich and "<strong>" not in rich
    assert 'href="https://evil.example"' not in rich
    assert '<a href="https://s.example/a/T" rel="noopener noreferrer">Start</a>' in rich
    plain = found.get_body(("plain",)).get_content()
    assert "Start: https://s.example/a/T" in plain and "**b**" in plain


def test_a_value_in_the_place_of_an_address_leads_nowhere():
    assert "javascript:" not in as_html("[x](${go})", {"go": "javascript:alert(1)"})


def test_markdown_reads_well_as_plain_text():
    text = (
        "## Hi\n\nSome **bold** words\non [our page](https://x.example).\n\n1. one\n2. two\n\n- a"
    )
    assert as_plain(text, {}) == (
        "Hi\n\nSome bold words\non our page (https://x.example).\n\n1. one\n2. two\n\n- a"
    )


def test_a_word_stands_in_for_a_missing_value():
    assert filled_line("Hi ${name|there}", {}) == "Hi there"
    assert missing("${name|there} ${city}", {}) == ["city"]


def test_every_mail_says_from_whom_how_long_and_how_to_end_it():
    found = message(
        "Go: ${link}",
        sponsor="ACME",
        minutes="7",
        contact="ask@acme.example",
        privacy="We keep little.",
    )
    for part in ("plain", "html"):
        said = found.get_body((part,)).get_content()
        for fact in ("ACME", "7 minutes", "ask@acme.example", "We keep little.", "/stop/M/S"):
            assert fact in said
    assert found["List-Unsubscribe"] == "<https://s.example/stop/M/S/now>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Message-ID"] == "<m@shop.example>" and found["Reply-To"] == "re@shop.example"


WRONG = (
    *("", "a", "a@b", "a@b.example,c@d.example", "a b@c.example", "a@b.example\r\nBcc: x@y.z"),
    *("<a@b.example>", "@b.example", "a@@b.example", "a@b..example", "é@b.example"),
)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_address(text):
    assert not is_address(text)


def test_what_is_an_address():
    assert is_address("ann.o'neil+shop@münchen.example") and is_address("a@b.example")
