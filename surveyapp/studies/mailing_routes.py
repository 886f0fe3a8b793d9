"""The researcher's pages of invitations by e-mail: contacts, dry run, sending, its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from analysis.study import Study
from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.jobs import queue
from surveyapp.mail.compose import Texts, bodies, texts_of, values_of
from surveyapp.mail.server import MailFault, is_address, mail_server
from surveyapp.mail.texts import filled_line
from surveyapp.store import contacts, jobs, mailings
from surveyapp.store.mailings import MailingRecord
from surveyapp.studies import fielding, mailings_counted
from surveyapp.studies.contacts import ContactFaults, read_contacts, store_contacts
from surveyapp.studies.door import door, found
from surveyapp.studies.invitations import Days
from surveyapp.studies.mailing_wish import MOST_REMINDERS, Panel, Wish
from surveyapp.studies.mailings import REASONS, MailingFault, Plan, create, plan, specimen


@door.get("/<name>/invitations")
@access("researcher", "administrator")
def invitations(name: str) -> ResponseReturnValue:
    """Contacts, the mailings so far, and the form of the next one."""
    return _page(name)


@door.post("/<name>/contacts")
@access("researcher", "administrator")
def add_contacts(name: str) -> ResponseReturnValue:
    """Store the contacts of a CSV file, all of them or none."""
    study = _study(name)
    file = request.files.get("contacts")
    raw = file.read() if file and file.filename else b""
    try:
        if not raw:
            raise ContactFaults(["Choose a CSV file of contacts."])
        new = read_contacts(raw, study, key=current.settings().customer_key)
    except ContactFaults as fault:
        return _page(name, *fault.faults, at="contacts"), 400
    with current.store().write() as c:
        stored = store_contacts(c, new)
    flash(f"{stored:,} {'contact is' if stored == 1 else 'contacts are'} stored.")
    return redirect(url_for("studies.invitations", name=name), code=303)


@door.post("/<name>/contacts/remove")
@access("researcher", "administrator")
def remove_contacts(name: str) -> ResponseReturnValue:
    """Remove all addresses of a study; mails that wait are not sent."""
    found(name)
    with current.store().write() as c:
        removed = contacts.remove_all(c, name)
    flash(f"{removed:,} {'address is' if removed == 1 else 'addresses are'} removed.")
    return redirect(url_for("studies.invitations", name=name), code=303)


@door.post("/<name>/invitations/check")
@access("researcher", "administrator")
def check_invitations(name: str) -> ResponseReturnValue:
    """The dry run: who would be invited, who not and why, and what the mails look like."""
    study = _study(name)
    try:
        wish = _wish(study)
        with current.store().read() as c:
            planned = plan(c, study, wish, current.settings())
    except MailingFault as fault:
        return _page(name, *fault.faults, at="wave" if study.waves else "first"), 400
    return _check_page(name, study, wish, planned)


@door.post("/<name>/invitations/test")
@access("researcher", "administrator")
def test_mail(name: str) -> ResponseReturnValue:
    """Send the mails to oneself; their links lead nowhere."""
    study = _study(name)
    address = request.form.get("to", "").strip()
    try:
        wish = _wish(study)
        if not is_address(address):
            raise MailingFault(f"'{address[:60]}' is no e-mail address for the test.")
        mail_server(current.settings())
    except (MailingFault, MailFault) as fault:
        return _page(name, *str(fault).splitlines(), at="invitation-subject-1"), 400
    job = queue.test_mail(current.store(), name, address, wish.texts)
    return redirect(url_for("studies.job", name=name, job=job.job), code=303)


@door.post("/<name>/invitations/send")
@access("researcher", "administrator")
def send_invitations(name: str) -> ResponseReturnValue:
    """Store the mailing and queue its sending."""
    study, settings = _study(name), current.settings()
    try:
        wish = _wish(study)
        mail_server(settings)
        with current.store().write() as c:
            mailing = create(c, study, wish, settings, by=current_user.name)
    except (MailingFault, MailFault) as fault:
        return _page(name, *str(fault).splitlines(), at="wave" if study.waves else "first"), 400
    queue.mail(current.store(), name, mailing.mailing)
    return redirect(url_for("studies.mailing", name=name, mailing=mailing.mailing), code=303)


@door.get("/<name>/mailings/<mailing>")
@access("researcher", "administrator")
def mailing(name: str, mailing: str) -> ResponseReturnValue:
    """What became of the mails of a mailing."""
    record = _mailing(name, mailing)
    with current.store().read() as c:
        return render_template(
            "studies/mailing.html",
            record=found(name),
            mailing=record,
            count=mailings.count(c, mailing),
            job=jobs.newest(c, queue.mail_key(name, mailing)),
            unknown=mailings.unknown(c, mailing),
            reasons={
                state: mailings.reasons(c, mailing, state)
                for state in ("bounced", "failed", "left_out")
            },
            why=REASONS,
        )


@door.post("/<name>/mailings/<mailing>/<what>")
@access("researcher", "administrator")
def change_mailing(name: str, mailing: str, what: str) -> ResponseReturnValue:
    """``go-on`` sending, ``stop`` for good, or say of unknown mails: ``sent`` or ``again``."""
    record = _mailing(name, mailing)
    if what not in ("go-on", "stop", "sent", "again"):
        abort(404)
    with current.store().write() as c:
        if what == "stop" and record.stopped is None:
            ended = mailings.stop(c, mailing, at=clock.now())
            flash(f"The mailing is stopped; {ended:,} mails are not sent, and nobody is reminded.")
        elif what in ("sent", "again"):
            n = mailings.decide_unknown(c, mailing, again=what == "again", at=clock.now())
            flash(f"{n:,} mails count as sent." if what == "sent" else f"{n:,} mails wait again.")
    if what in ("go-on", "again") and record.stopped is None:
        queue.mail(current.store(), name, mailing)
    return redirect(url_for("studies.mailing", name=name, mailing=mailing), code=303)


def _mailing(name: str, mailing: str) -> MailingRecord:
    with current.store().read() as c:
        record = mailings.get(c, mailing)
    return record if record and record.study == name else abort(404)


def _study(name: str) -> Study:
    """The published study; its page with a notice when there is none to be fielded."""
    study, obstacle = _fielded(name)
    if study is None or obstacle:
        abort(redirect(url_for("studies.invitations", name=name), code=303))
    return study


def _fielded(name: str) -> tuple[Study | None, str | None]:
    record = found(name)
    with current.store().read() as c:
        version = fielding.newest(c, record)
        if version is None:
            return None, "Publish the study first: invitations lead to its newest version."
        obstacle = fielding.why_not_fieldable(c, version)
    return fielding.read_definition(version.definition), obstacle


def _page(name: str, *problems: str, at: str = "") -> str:
    study, obstacle = _fielded(name)
    settings = current.settings()
    try:
        mail_server(settings)
        unset = ""
    except MailFault as fault:
        unset = str(fault)
    with current.store().read() as c:
        known = contacts.counts(c, name)
        rows = mailings_counted.of_study(c, name)
    return render_template(
        "studies/invitations.html",
        record=found(name),
        study=study,
        obstacle=obstacle,
        unset=unset,
        problems=[(at, problem) for problem in problems],
        contacts=known,
        rows=rows,
        texts=_texts(study) if study else {},
        sent=request.form,
        zone=settings.text("TIME_ZONE"),
        every=settings.number("INVITE_EVERY_DAYS"),
        most_reminders=MOST_REMINDERS,
    )


def _check_page(name: str, study: Study, wish: Wish, planned: Plan) -> str:
    settings = current.settings()
    shown = []
    for kind, languages in wish.texts.items():
        if kind == "reminder" and not wish.remind_at_most:
            continue
        for language, said in languages.items():
            to = specimen(study, said, language, "", settings)
            plain, _ = bodies(study, said["body"], to)
            subject = filled_line(said["subject"], values_of(study, to))
            shown.append((kind, language, subject, plain))
    return render_template(
        "studies/invitations_check.html",
        record=found(name),
        planned=planned,
        wish=wish,
        shown=shown,
        why=REASONS,
        every=settings.number("INVITE_EVERY_DAYS"),
        per_minute=settings.number("MAIL_PER_MINUTE"),
        kept=[(k, value) for k, value in request.form.items() if k not in ("csrf_token", "to")],
    )


def _wish(study: Study) -> Wish:
    """What the form asks for.

    Raises
    ------
    MailingFault
        With every field that cannot be read.
    """
    form, faults = request.form, []

    def number(field: str, default: int) -> int:
        sent = form.get(field, "").strip()
        if not sent:
            return default
        if not (sent.isascii() and sent.isdigit() and len(sent) < 5):
            faults.append(f"'{sent[:20]}' is not a whole number.")
            return default
        return int(sent)

    def day(field: str) -> date | None:
        sent = form.get(field, "").strip()
        try:
            return date.fromisoformat(sent) if sent else None
        except ValueError:
            faults.append(f"'{sent[:20]}' is not a date such as 2026-12-31.")
            return None

    share, _, shares = (form.get("share", "").strip() or "1/1").partition("/")
    if not (share.isdigit() and shares.isdigit() and len(share + shares) < 5):
        faults.append("A share is written 2/4: the second of four.")
        share = shares = "1"
    wish = Wish(
        texts=_texts(study),
        wave=form.get("wave") or None,
        run_kind=form.get("run_kind", "live"),
        days=Days(
            day("first"),
            day("last"),
            form.get("zone", "").strip() or current.settings().text("TIME_ZONE"),
        ),
        panel=Panel(form.get("from_wave") or None, form.get("who", "all"), int(share), int(shares)),
        remind_after_days=number("remind_after", 7),
        remind_at_most=number("remind_most", 0),
        despite=form.get("despite", "").strip()[:500],
    )
    if faults:
        raise MailingFault(*faults)
    return wish


def _texts(study: Study) -> Texts:
    """Subjects and bodies as sent; those of the study file where the form has none."""
    given: Mapping[str, str] = request.form
    own = texts_of(study)
    return {
        kind: {
            language: {
                part: given.get(f"{kind}.{part}.{n}", own[kind][language][part]).replace(
                    "\r\n", "\n"
                )[:20_000]
                for part in ("subject", "body")
            }
            for n, language in enumerate(study.languages)
        }
        for kind in own
    }
