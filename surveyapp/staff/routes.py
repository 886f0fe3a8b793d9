"""Log-in and log-out, the own password, and the administrator's list of staff."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from surveyapp import current
from surveyapp.access import access
from surveyapp.security import log_in_limit
from surveyapp.staff import accounts, sessions
from surveyapp.staff.forms import LogIn, NewMember, OwnPassword, errors_of, local_path
from surveyapp.store import staff

door = Blueprint("staff", __name__, url_prefix="/staff")
door.record_once(lambda state: sessions.start(state.app))

WRONG = "Name or password is wrong. Check both and try again."


def _front() -> ResponseReturnValue:
    """The bare address leads staff to their first page; respondents come by their links."""
    return redirect(url_for("staff.home"), code=303)


door.record_once(lambda state: state.app.add_url_rule("/", "front", access("anyone")(_front)))


@door.get("/")
@access("researcher", "manager", "administrator")
def home() -> ResponseReturnValue:
    """Each role's first page."""
    first = "studies.every" if current_user.may("researcher") else "reports.every"
    return redirect(url_for(first), code=303)


@door.route("/log-in", methods=["GET", "POST"])
@access("anyone")
@log_in_limit
def log_in() -> ResponseReturnValue:
    """The log-in page."""
    form = LogIn()
    target = local_path(request.args.get("next"))
    errors: list[tuple[str, str]] = []
    if form.validate_on_submit():
        member = accounts.check(current.store(), form.name.data or "", form.password.data or "")
        if member:
            sessions.log_in(member)
            return redirect(target or url_for("staff.home"), code=303)
        errors = [("name", WRONG)]
    errors = errors or errors_of(form)
    page = render_template("staff/log_in.html", form=form, errors=errors, target=target)
    return page, (400 if errors else 200)


@door.post("/log-out")
@access("researcher", "manager", "administrator")
def log_out() -> ResponseReturnValue:
    """End the session."""
    sessions.log_out()
    return redirect(url_for("staff.log_in"), code=303)


@door.route("/password", methods=["GET", "POST"])
@access("researcher", "manager", "administrator")
@log_in_limit
def password() -> ResponseReturnValue:
    """Change the own password; all other sessions of the member end."""
    form = OwnPassword()
    errors: list[tuple[str, str]] = []
    if form.validate_on_submit():
        errors = _change_password(form.present.data or "", form.new.data or "")
        if not errors:
            flash("Your password is changed. Sessions on other devices have ended.")
            return redirect(url_for("staff.home"), code=303)
    errors = errors or errors_of(form)
    return render_template("staff/password.html", errors=errors), (400 if errors else 200)


def _change_password(present: str, new: str) -> list[tuple[str, str]]:
    member = accounts.check(current.store(), current_user.name, present)
    if member is None:
        return [("present", "This is not your present password.")]
    fault = accounts.password_fault(new, member.name)
    if fault:
        return [("new", fault)]
    accounts.set_password(current.store(), member, new)
    sessions.log_in(member)
    return []


@door.route("/people", methods=["GET", "POST"])
@access("administrator")
def people() -> ResponseReturnValue:
    """List staff and add members."""
    form = NewMember()
    errors: list[tuple[str, str]] = []
    if form.validate_on_submit():
        errors = _add_member(form)
        if not errors:
            flash(f"{form.name.data} may log in now. Tell them to change the password.")
            return redirect(url_for("staff.people"), code=303)
    errors = errors or errors_of(form)
    with current.store().read() as c:
        members = staff.every(c)
    page = render_template(
        "staff/people.html", members=members, form=form, errors=errors, roles=accounts.ROLES
    )
    return page, (400 if errors else 200)


def _add_member(form: NewMember) -> list[tuple[str, str]]:
    name, given = form.name.data or "", form.password.data or ""
    fault = accounts.password_fault(given, name)
    if fault:
        return [("password", fault)]
    try:
        accounts.add(current.store(), name, form.role.data or "", given)
    except accounts.AccountFault as error:
        return [("name", str(error))]
    return []


@door.post("/people/<member>/<state>")
@access("administrator")
def switch(member: str, state: str) -> ResponseReturnValue:
    """Disable a member of staff (``off``), or enable them again (``on``)."""
    if state not in ("on", "off"):
        abort(404)
    try:
        accounts.set_disabled(current.store(), member, state == "off")
    except LookupError:
        abort(404)
    except accounts.AccountFault as error:
        flash(str(error), "error")
    else:
        flash("They can log in again." if state != "off" else "They can no longer log in.")
    return redirect(url_for("staff.people"), code=303)
