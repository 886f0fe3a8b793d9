"""Pages on single customers: erase one, see whom a pseudonym stands for."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from surveyapp import current
from surveyapp.access import access
from surveyapp.staff import accounts, customers
from surveyapp.staff.forms import EraseCustomer, Identify, errors_of
from surveyapp.staff.routes import door
from surveyapp.store import erasures, staff

__all__ = ["door"]


@door.route("/erasures", methods=["GET", "POST"])
@access("administrator")
def erase() -> ResponseReturnValue:
    """Ask for the erasure of a customer; the worker does it."""
    form = EraseCustomer()
    errors: list[tuple[str, str]] = []
    if form.validate_on_submit():
        try:
            customers.ask_to_erase(
                current.settings(),
                current.store(),
                form.identifier.data or "",
                by=current_user.name,
                answers=form.answers.data or "",
                archives=form.archives.data or "",
            )
        except customers.CustomerFault as error:
            errors = [("identifier", str(error))]
        else:
            flash("The customer is being erased. This page counts what was removed.")
            return redirect(url_for("staff.erase"), code=303)
    errors = errors or errors_of(form)
    with current.store().read() as c:
        found = erasures.every(c)
    page = render_template("staff/erasures.html", form=form, errors=errors, erasures=found)
    return page, (400 if errors else 200)


@door.route("/identify", methods=["GET", "POST"])
@access("researcher", "manager", "administrator")
def identify() -> ResponseReturnValue:
    """Whom a pseudonym stands for: only for those who were given that permission."""
    if not current_user.record.identifiers:
        abort(403)
    form = Identify()
    errors: list[tuple[str, str]] = []
    found = None
    if form.validate_on_submit():
        found = customers.identify(current.settings(), form.pseudonym.data or "")
        if found is None:
            errors = [("pseudonym", "It is not known whom this pseudonym stands for.")]
    errors = errors or errors_of(form)
    page = render_template(
        "staff/identify.html",
        form=form,
        errors=errors,
        found=found,
        kept=current.settings().flag("KEEP_IDENTIFIERS"),
    )
    return page, (400 if errors and request.method == "POST" else 200)


@door.post("/people/<member>/identifiers/<state>")
@access("administrator")
def permit(member: str, state: str) -> ResponseReturnValue:
    """Let a member of staff see raw identifiers (``on``), or no longer (``off``)."""
    with current.store().read() as c:
        names = {m.staff: m.name for m in staff.every(c)}
    if state not in ("on", "off") or member not in names:
        abort(404)
    accounts.set_identifiers(current.store(), names[member], state == "on")
    flash(f"{names[member]} may {'now' if state == 'on' else 'no longer'} see raw identifiers.")
    return redirect(url_for("staff.people"), code=303)
