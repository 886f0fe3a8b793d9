"""Who may use which route: every route declares it, and a request without a rule is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

Who = Literal["anyone", "respondent", "researcher", "manager", "administrator"]
"""``respondent``: whoever has the secret of the address, which the route itself checks."""

STAFF: frozenset[Who] = frozenset({"researcher", "manager", "administrator"})
View = TypeVar("View", bound=Callable[..., Any])


class NoAccessRule(RuntimeError):
    """A route that does not say who may use it."""


def access(*who: Who) -> Callable[[View], View]:
    """Declare who may use a view; put it under the route decorator."""

    def mark(view: View) -> View:
        view.access = frozenset(who)  # type: ignore[attr-defined]
        return view

    return mark


def rule(app: Flask, endpoint: str) -> frozenset[Who]:
    """Who may use a route.

    Raises
    ------
    NoAccessRule
        When the route does not say.
    """
    found: frozenset[Who] = getattr(app.view_functions[endpoint], "access", frozenset())
    if not found:
        raise NoAccessRule(f"Route '{endpoint}' has no access rule; add @access(...)")
    return found


def enforce() -> ResponseReturnValue | None:
    """Before each request: let in, send to the log-in page, or refuse with 403."""
    if request.endpoint is None:
        return None
    allowed = rule(current_app, request.endpoint)
    if not allowed <= STAFF:
        return None
    if not current_user.is_authenticated:
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("staff.log_in", next=back), code=303)
    if current_user.role not in allowed:
        abort(403)
    return None
